"""Whether an order may enter: the checks in the order in which the venues make them, each with its own code.

Order of checks (Polymarket FACTS §11.2, Kalshi §3.4–3.6): venue and market open → price → size → duplicate → expiry →
reduce-only → group → balance → post-only → can it match. A refused order leaves no trace, not even its client id.
"""

from __future__ import annotations

import msgspec

from venues.simulator.exchange_backing import Hold, hold_of, is_backed_by_tokens, netted_reserve_u
from venues.simulator.exchange_book import Order
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_groups import Groups
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_matching import Matcher
from venues.simulator.exchange_rules import ClientIdRule, PostOnlyRule
from venues.simulator.exchange_types import ExchangeReject, NewOrder, RejectCode, is_bid
from venues.simulator.ledger import Account
from venues.types import MICRO, MarketState, Side, TimeInForce

IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


class Admission:
    def __init__(self, floor: Floor, matcher: Matcher, groups: Groups) -> None:
        self._floor = floor
        self._matcher = matcher
        self._groups = groups

    def admit(self, account: Account, new: NewOrder, now_ms: int) -> Order:
        """The order, ready to match, not in the book yet. Raises ExchangeReject."""
        market = self._floor.market(new.native_id)
        self.check_trading(market)
        check_terms(market, new)
        self._check_ids(account, new)
        new = self._with_expiry(new, now_ms)
        new = self._with_reduced_size(account, new)
        self._groups.check(account, new.group_id)
        order = self._build(account, new, now_ms)
        self.check_balance(market, order)
        self._check_post_only(market, order)
        self.check_matches(market, order)
        if not order.order_id and not account.is_house:
            self._floor.name(order)
        return order

    def check_trading(self, market: Market) -> None:
        """Placing and amending need an active venue and an open market."""
        if not self._floor.is_exchange_active:
            raise ExchangeReject(RejectCode.EXCHANGE_PAUSED)
        if not self._floor.is_trading_active:
            raise ExchangeReject(RejectCode.TRADING_PAUSED)
        if market.state is not MarketState.OPEN:
            raise ExchangeReject(RejectCode.MARKET_CLOSED, market.state.value)

    def is_marketable(self, market: Market, order: Order) -> bool:
        best_u = market.side(not order.is_bid).best_price_u
        return best_u is not None and order.crosses(best_u)

    def check_balance(self, market: Market, order: Order) -> None:
        account, rules = order.account, self._floor.rules
        if account.is_house:
            return
        is_taker = self.is_marketable(market, order)
        if not rules.nets:
            if not is_backed_by_tokens(rules, market, account, order, is_taker=is_taker):
                raise ExchangeReject(RejectCode.INSUFFICIENT_BALANCE)
            return
        holds = [hold_of(other) for other in account.open_in(market.native_id) if other is not order]
        holds.append(Hold(order.is_bid, order.pay_price_u, order.remaining_u, is_taker))
        net_u = account.position(market.native_id).net_u
        need_u = netted_reserve_u(rules, market, net_u, holds)
        shard = market.spec.shard
        if need_u > account.cash.get(shard, 0) - account.reserved_u(shard, without=market.native_id):
            raise ExchangeReject(RejectCode.INSUFFICIENT_BALANCE)

    def _check_ids(self, account: Account, new: NewOrder) -> None:
        if new.order_id and new.order_id in account.orders:
            raise ExchangeReject(RejectCode.DUPLICATE_ORDER, new.order_id)
        rule, known_id = self._floor.rules.client_ids, account.client_ids.get(new.client_order_id)
        if rule is ClientIdRule.FREE or known_id is None:
            return
        if rule is ClientIdRule.FOREVER or account.orders[known_id].is_open:
            raise ExchangeReject(RejectCode.DUPLICATE_ORDER, new.client_order_id)

    def _with_expiry(self, new: NewOrder, now_ms: int) -> NewOrder:
        if new.expires_ms is None or new.expires_ms > now_ms:
            return new
        if not self._floor.rules.past_expiry_is_ioc:
            raise ExchangeReject(RejectCode.INVALID_EXPIRATION)
        return msgspec.structs.replace(new, tif=TimeInForce.IOC, expires_ms=None)

    def _with_reduced_size(self, account: Account, new: NewOrder) -> NewOrder:
        """A reduce-only order is capped by the position that it closes."""
        if not new.reduce_only:
            return new
        if self._floor.rules.reduce_only_needs_ioc and new.tif is not TimeInForce.IOC:
            raise ExchangeReject(RejectCode.INVALID_ORDER, "reduce only orders must be immediate or cancel")
        net_u = account.position(new.native_id).net_u
        closable_u = max(0, -net_u) if is_bid(new.side, new.outcome) else max(0, net_u)
        if not closable_u:
            raise ExchangeReject(RejectCode.REDUCE_ONLY)
        return msgspec.structs.replace(new, qty_u=min(new.qty_u, closable_u))

    def _build(self, account: Account, new: NewOrder, now_ms: int) -> Order:
        return Order(
            number=self._floor.next_number(),
            account=account,
            native_id=new.native_id,
            side=new.side,
            outcome=new.outcome,
            is_bid=is_bid(new.side, new.outcome),
            price_u=new.price_u,
            qty_u=new.qty_u,
            remaining_u=new.qty_u,
            created_ms=now_ms,
            updated_ms=now_ms,
            order_id=new.order_id,
            client_order_id=new.client_order_id,
            tif=new.tif,
            expires_ms=new.expires_ms,
            post_only=new.post_only,
            reduce_only=new.reduce_only,
            stp=new.stp,
            cancel_on_pause=new.cancel_on_pause,
            group_id=new.group_id,
        )

    def _check_post_only(self, market: Market, order: Order) -> None:
        refuses = self._floor.rules.post_only_cross is PostOnlyRule.REJECT
        if order.post_only and refuses and self.is_marketable(market, order):
            raise ExchangeReject(RejectCode.POST_ONLY_CROSS)

    def check_matches(self, market: Market, order: Order) -> None:
        """A FOK must fill at once, and so must an IOC at least in part where the venue wants it. A taker delay moves
        the question to its end, as long as there is something to match now."""
        if order.tif not in IMMEDIATE:
            return
        fillable_u = self._matcher.fillable_u(market, order)
        if self._floor.taker_delay_ms(market) and fillable_u:
            return
        if order.tif is TimeInForce.FOK and fillable_u < order.remaining_u:
            raise ExchangeReject(RejectCode.FOK_UNFILLABLE)
        if order.tif is TimeInForce.IOC and not fillable_u and self._floor.rules.ioc_needs_match:
            raise ExchangeReject(RejectCode.NOTHING_TO_MATCH)


def check_terms(market: Market, new: NewOrder) -> None:
    """Price on the grid, size whole and not too small."""
    spec = market.spec
    yes_price_u = new.price_u if new.outcome.value == "yes" else MICRO - new.price_u
    if not spec.is_on_grid(yes_price_u):
        raise ExchangeReject(RejectCode.INVALID_PRICE, str(new.price_u))
    if new.qty_u <= 0 or new.qty_u % spec.lot_u:
        raise ExchangeReject(RejectCode.INVALID_QUANTITY, str(new.qty_u))
    if new.qty_u < spec.min_qty_u and new.tif not in IMMEDIATE:
        raise ExchangeReject(RejectCode.BELOW_MIN_QUANTITY, str(new.qty_u))
    if new.post_only and new.tif in IMMEDIATE:
        raise ExchangeReject(RejectCode.INVALID_ORDER, "post only orders cannot be immediate")
    if spec.min_taker_usd_u and new.side is Side.BUY:
        _check_min_taker_usd(market, new, yes_price_u)


def _check_min_taker_usd(market: Market, new: NewOrder, yes_price_u: int) -> None:
    as_bid = is_bid(new.side, new.outcome)
    best_u = market.side(not as_bid).best_price_u
    is_marketable = best_u is not None and (yes_price_u >= best_u if as_bid else yes_price_u <= best_u)
    usd_u = new.price_u * new.qty_u // MICRO
    if is_marketable and usd_u < market.spec.min_taker_usd_u:
        raise ExchangeReject(RejectCode.BELOW_MIN_TAKER_USD, str(usd_u))
