"""Client accounts after a restart: exactly as they were, in a world whose house accounts start afresh.

The house's side of every open client position belongs to one account of its own from then on, so that contracts still
net to zero and escrow is what the pairs are worth.
"""

from __future__ import annotations

from collections.abc import Iterable

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_finality import Finality
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_groups import Groups
from venues.simulator.exchange_types import AccountLedger, GroupView, OrderView, PositionView, Reason
from venues.simulator.ledger import Account
from venues.types import MarketState, OrderState, SettleState

COUNTERPARTY = "house:restored"


def restore_clients(
    floor: Floor,
    groups: Groups,
    finality: Finality,
    ledgers: Iterable[AccountLedger],
    group_views: Iterable[GroupView],
    now_ms: int,
) -> None:
    """Raises INVALID_ORDER when an account exists already."""
    counterparty = floor.open_account(COUNTERPARTY, 0, is_house=True, shard=0, now_ms=now_ms)
    restored = [(_put_back_account(floor, ledger, finality), ledger) for ledger in ledgers]
    for group in group_views:
        groups.put_back(group)
    for account, ledger in restored:
        for position in ledger.positions:
            _put_back_position(floor, account, counterparty, position)
    orders = sorted(
        ((account, view) for account, ledger in restored for view in ledger.orders), key=lambda each: each[1].number
    )
    for account, view in orders:
        _put_back_order(floor, account, view, now_ms)


def _put_back_account(floor: Floor, ledger: AccountLedger, finality: Finality) -> Account:
    account = floor.open_account(ledger.balance.account_id, 0, is_house=False, shard=0, now_ms=0)
    floor.ledger.put_back(account, ledger.entries)
    account.fees_u = ledger.fees_u
    account.settlements.extend(ledger.settlements)
    for fill in ledger.fills:
        account.fills[(fill.trade_id, fill.leg)] = fill
        floor.skip_numbers_to(fill.number)
        market = floor.markets.get(fill.native_id)
        if fill.settle_state is SettleState.PENDING and market is not None:
            finality.resume(account, market, fill)
    return account


def _put_back_position(floor: Floor, account: Account, counterparty: Account, view: PositionView) -> None:
    """Give the account its contracts, and the other side of them to the counterparty, at the same prices."""
    position = account.position(view.native_id)
    position.put_back(view)
    position.unmined_yes_u = position.unmined_no_u = 0
    market = floor.markets.get(view.native_id)
    if market is None:
        return
    other = counterparty.position(view.native_id)
    for is_yes, qty_u in ((True, view.yes_qty_u), (False, view.no_qty_u)):
        paired_u = min(qty_u, other.held_u(is_yes=is_yes)) if floor.rules.nets else 0
        other.remove(is_yes=is_yes, qty_u=paired_u, proceeds_u=0)
        other.add(is_yes=not is_yes, qty_u=qty_u - paired_u, cost_u=0)
        market.escrow_u += qty_u - paired_u
        floor.ledger.deposits_u += qty_u - paired_u


def _put_back_order(floor: Floor, account: Account, view: OrderView, now_ms: int) -> None:
    """Back into the book with its old place; canceled where its market does not trade any more,
    or where it was still waiting for its delay to end."""
    floor.skip_numbers_to(view.number)
    order = _order(account, view)
    floor.register(order)
    if not order.is_open:
        return
    market = floor.markets.get(view.native_id)
    trades = market is not None and market.state in (MarketState.OPEN, MarketState.PAUSED)
    if trades and order.state is OrderState.RESTING:
        floor.rest(order, now_ms)
        return
    reason = Reason.DELAY_ENDED if order.state is OrderState.DELAYED else Reason.MARKET_CLOSED
    order.remaining_u, order.state = 0, OrderState.CANCELED
    floor.tell(order, reason, now_ms)


def _order(account: Account, view: OrderView) -> Order:
    return Order(
        number=view.number,
        account=account,
        native_id=view.native_id,
        side=view.side,
        outcome=view.outcome,
        is_bid=view.is_bid,
        price_u=view.price_u,
        qty_u=view.qty_u,
        remaining_u=view.remaining_u,
        created_ms=view.created_ms,
        order_id=view.order_id,
        client_order_id=view.client_order_id,
        filled_u=view.filled_u,
        state=view.state,
        reason=view.reason,
        tif=view.tif,
        expires_ms=view.expires_ms,
        post_only=view.post_only,
        reduce_only=view.reduce_only,
        stp=view.stp,
        cancel_on_pause=view.cancel_on_pause,
        group_id=view.group_id,
        taker_cost_u=view.taker_cost_u,
        maker_cost_u=view.maker_cost_u,
        taker_fees_u=view.taker_fees_u,
        maker_fees_u=view.maker_fees_u,
        fee_carry_u=view.fee_carry_u,
        updated_ms=view.updated_ms,
    )
