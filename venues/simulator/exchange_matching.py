"""Matching: the taker walks the best resting orders, each match at the resting price, and both sides are booked.

The cost of a match is computed once, in the YES frame (`yes_cost_u`, rounded down); the NO side pays or gets the
complement to $1 a contract, so no µUSD is made or lost whichever way the two outcomes meet: a transfer of contracts,
a new pair (both buy) or the end of one (both sell).
"""

from __future__ import annotations

import msgspec

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_fees import fill_fee
from venues.simulator.exchange_finality import Finality
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_groups import Groups
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_types import FillBooked, FillView, Reason, Stp, Traded, TradeLeg
from venues.simulator.ledger import Position
from venues.types import MICRO, OrderState, Outcome, SettleState, Side


class Print(msgspec.Struct, frozen=True, gc=False):
    """What both fills of one match have in common."""

    trade_id: str
    sweep_id: str
    number: int
    at_ms: int


class Matcher:
    def __init__(self, floor: Floor, groups: Groups, finality: Finality) -> None:
        self._floor = floor
        self._groups = groups
        self._finality = finality

    def sweep(self, market: Market, taker: Order, now_ms: int) -> Reason | None:
        """Match until nothing crosses. Why it stopped early, if it did: SELF_TRADE or GROUP_TRIGGERED."""
        resting = market.side(not taker.is_bid)
        sweep_id = ""
        while taker.remaining_u:
            maker = resting.best()
            if maker is None or not taker.crosses(maker.yes_price_u):
                return None
            if maker.account is taker.account and taker.stp is not Stp.NONE:
                if taker.stp is Stp.TAKER_AT_CROSS:
                    return Reason.SELF_TRADE
                self._floor.close(maker, OrderState.CANCELED, Reason.SELF_TRADE, now_ms)
                continue
            sweep_id = sweep_id or self._floor.derive_id("sweep", taker.account)
            self._trade(market, taker, maker, sweep_id, now_ms)
            if self._groups.is_triggered(taker):
                return Reason.GROUP_TRIGGERED
        return None

    def fillable_u(self, market: Market, taker: Order) -> int:
        """Contracts that `sweep` would fill now, up to the order's size."""
        found_u = 0
        for maker in market.side(not taker.is_bid).from_best():
            if not taker.crosses(maker.yes_price_u) or found_u >= taker.remaining_u:
                break
            if maker.account is taker.account and taker.stp is Stp.TAKER_AT_CROSS:
                break
            if maker.account is not taker.account or taker.stp is Stp.NONE:
                found_u += maker.remaining_u
        return min(found_u, taker.remaining_u)

    def _trade(self, market: Market, taker: Order, maker: Order, sweep_id: str, now_ms: int) -> None:
        floor = self._floor
        qty_u = min(taker.remaining_u, maker.remaining_u)
        dust_u = self._dust_u(taker, qty_u)
        qty_u -= dust_u
        yes_price_u = maker.yes_price_u
        print_ = Print(floor.derive_id("trade", taker.account), sweep_id, floor.next_number(), now_ms)
        taker.remaining_u -= qty_u + dust_u
        floor.take_off(maker, qty_u, now_ms, cause=taker)
        fills = [
            self._book(market, order, yes_price_u, qty_u, print_, is_taker=order is taker) for order in (taker, maker)
        ]
        market.volume_u += qty_u
        market.traded_usd_u += yes_price_u * qty_u // MICRO
        market.last_price_u, market.last_qty_u = yes_price_u, qty_u
        legs = [_leg(order, fill) for order, fill in zip((taker, maker), fills, strict=True)]
        floor.publish(
            Traded(
                native_id=market.native_id,
                trade_id=print_.trade_id,
                sweep_id=sweep_id,
                yes_price_u=yes_price_u,
                qty_u=qty_u,
                is_taker_bid=taker.is_bid,
                taker=legs[0],
                maker=legs[1],
                venue_ms=now_ms,
                number=print_.number,
            )
        )
        self._finality.begin(market, taker, maker, fills, now_ms)
        self._tell(taker, maker, fills, now_ms)

    def _dust_u(self, taker: Order, qty_u: int) -> int:
        """What the last match of a client's order leaves of it, for ever."""
        shaved_u = self._floor.rules.shaved_u
        is_last = qty_u == taker.remaining_u and not taker.account.is_house
        return shaved_u if is_last and shaved_u < qty_u else 0

    def _book(
        self, market: Market, order: Order, yes_price_u: int, qty_u: int, print_: Print, *, is_taker: bool
    ) -> FillView:
        """Move contracts and cash of one side of a match, charge its fee, and write its fill."""
        account = order.account
        position = account.position(market.native_id)
        yes_cost_u = yes_price_u * qty_u // MICRO
        own_cost_u = yes_cost_u if order.outcome is Outcome.YES else qty_u - yes_cost_u
        revenue_u = self._move_contracts(position, order, yes_cost_u, qty_u)
        market.escrow_u -= revenue_u
        self._floor.ledger.move(
            account, market.spec.shard, revenue_u, kind="trade", ref=print_.trade_id, now_ms=print_.at_ms
        )
        fee_u = self._charge(market, order, yes_price_u, qty_u, revenue_u, print_, is_taker=is_taker)
        position.fees_u += fee_u
        position.traded_usd_u += own_cost_u
        position.traded_qty_u += qty_u
        _count(order, qty_u, own_cost_u, fee_u, is_taker=is_taker)
        return self._fill(order, yes_price_u, qty_u, own_cost_u, fee_u, print_, is_taker=is_taker)

    def _charge(
        self,
        market: Market,
        order: Order,
        yes_price_u: int,
        qty_u: int,
        revenue_u: int,
        print_: Print,
        *,
        is_taker: bool,
    ) -> int:
        """Take the fee of a fill; rounding is waived rather than overdrawn."""
        floor, account, shard = self._floor, order.account, market.spec.shard
        fee_u, order.fee_carry_u = fill_fee(
            floor.rules,
            market.spec.fee,
            yes_price_u=yes_price_u,
            qty_u=qty_u,
            is_taker=is_taker,
            revenue_u=revenue_u,
            carry_u=order.fee_carry_u,
        )
        if not account.is_house:
            fee_u = min(fee_u, max(0, account.cash[shard]))
        floor.ledger.move(account, shard, -fee_u, kind="fee", ref=print_.trade_id, now_ms=print_.at_ms)
        floor.ledger.fees_u += fee_u
        account.fees_u += fee_u
        return fee_u

    def _fill(
        self, order: Order, yes_price_u: int, qty_u: int, cost_u: int, fee_u: int, print_: Print, *, is_taker: bool
    ) -> FillView:
        floor, account = self._floor, order.account
        return FillView(
            trade_id=print_.trade_id,
            sweep_id=print_.sweep_id,
            leg="taker" if is_taker else "maker",
            account_id=account.account_id,
            order_id=floor.name(order),
            client_order_id=order.client_order_id,
            native_id=order.native_id,
            side=order.side,
            outcome=order.outcome,
            price_u=yes_price_u if order.outcome is Outcome.YES else MICRO - yes_price_u,
            qty_u=qty_u,
            cost_u=cost_u,
            fee_u=fee_u,
            is_taker=is_taker,
            settle_state=SettleState.PENDING if floor.rules.fills_settle_later else SettleState.CONFIRMED,
            position_u=account.position(order.native_id).net_u,
            venue_ms=print_.at_ms,
            number=print_.number,
        )

    def _move_contracts(self, position: Position, order: Order, yes_cost_u: int, qty_u: int) -> int:
        """Change the position; the cash change without fees (negative for what was paid)."""
        if self._floor.rules.nets:
            return _net(position, is_bid=order.is_bid, yes_cost_u=yes_cost_u, qty_u=qty_u)
        is_yes = order.outcome is Outcome.YES
        own_cost_u = yes_cost_u if is_yes else qty_u - yes_cost_u
        if order.side is Side.BUY:
            position.add(is_yes=is_yes, qty_u=qty_u, cost_u=own_cost_u)
            return -own_cost_u
        held_u = position.held_u(is_yes=is_yes)
        if not order.account.is_house or held_u >= qty_u:
            position.remove(is_yes=is_yes, qty_u=qty_u, proceeds_u=own_cost_u)
            return own_cost_u
        position.add(is_yes=not is_yes, qty_u=qty_u, cost_u=qty_u - own_cost_u)  # the house mints a pair, sells one
        return own_cost_u - qty_u

    def _tell(self, taker: Order, maker: Order, fills: list[FillView], now_ms: int) -> None:
        floor = self._floor
        for order, fill in zip((taker, maker), fills, strict=True):
            if not order.account.is_house:
                order.account.fills[(fill.trade_id, fill.leg)] = fill
                floor.publish(FillBooked(fill))
        for order in (maker, taker):
            floor.tell_position(order.account, order.native_id, now_ms)
        if not maker.remaining_u:
            maker.state = OrderState.FILLED
            floor.release(maker)
        floor.tell(maker, Reason.TRADED, now_ms)
        for order in (maker, taker):
            if not order.account.is_house:
                floor.refresh_reserve(order.account, order.native_id)
                floor.drop_unbacked(order.account, now_ms)
                self._groups.count(order, fills[0].qty_u, now_ms)


def _net(position: Position, *, is_bid: bool, yes_cost_u: int, qty_u: int) -> int:
    """A bid adds YES, an ask adds NO; a pair is $1 at once. The cash change."""
    closing_u = min(qty_u, position.held_u(is_yes=not is_bid))
    cost_u = yes_cost_u if is_bid else qty_u - yes_cost_u
    closing_cost_u = cost_u * closing_u // qty_u
    if closing_u:
        position.remove(is_yes=not is_bid, qty_u=closing_u, proceeds_u=closing_u - closing_cost_u)
    if closing_u < qty_u:
        position.add(is_yes=is_bid, qty_u=qty_u - closing_u, cost_u=cost_u - closing_cost_u)
    return closing_u - cost_u


def _count(order: Order, qty_u: int, cost_u: int, fee_u: int, *, is_taker: bool) -> None:
    order.filled_u += qty_u
    if is_taker:
        order.taker_cost_u += cost_u
        order.taker_fees_u += fee_u
    else:
        order.maker_cost_u += cost_u
        order.maker_fees_u += fee_u


def _leg(order: Order, fill: FillView) -> TradeLeg:
    return TradeLeg(
        fill.account_id,
        fill.order_id,
        order.side,
        order.outcome,
        fill.price_u,
        fill.fee_u,
        order.price_u,
        order.account.is_house,
    )
