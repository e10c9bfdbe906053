"""What a session is opened from after a start: the rows of the database, in the session's own words.

Invariant: a session opened from these rows holds the positions, orders and records it would hold had it never stopped.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Q, QuerySet

from accounts.models import VenueAccount
from core import clock
from markets.models import Market
from trading.domain.commands import Baseline, Purpose, SubmitOrder
from trading.domain.lifecycle import ENDED, OrderStatus
from trading.domain.opening import ClosedTrade, EntryPart, OpeningState, OpenPosition, WorkingOrder
from trading.models import Fill, Order, Position, Settlement
from trading.selectors.halts import trading_state as trading_state
from trading.selectors.ledgers import cash_balance
from trading.selectors.risk import WORKING
from trading.selectors.snapshot import one_snapshot
from venues.types import BalanceReport, MarketState, Outcome, SettleState, Side, TimeInForce, Venue

RECENT = timedelta(days=2)
BEFORE_THE_LAST = timedelta(days=1)
TRADES_REMEMBERED = 500


def session_opening(accounts: list[VenueAccount], *, now: datetime) -> OpeningState:
    """All of it as of one moment, whoever writes meanwhile. `now` in the trader's time: what a catch-up may tell again
    is known by its key (`_repeatable_since`)."""
    with one_snapshot():
        return _opening(accounts, now)


def _opening(accounts: list[VenueAccount], now: datetime) -> OpeningState:
    return OpeningState(
        positions=tuple(_position(row) for row in _open_positions(accounts)),
        working_orders=tuple(_working(row) for row in _unfinished_orders(accounts)),
        entry_parts=tuple(_part(row) for row in _partial_entries(accounts)),
        baselines=tuple(_baseline(row) for row in _markets_with_baseline()),
        closed_trades=_closed_trades(accounts),
        balances=tuple(_balance(account, now) for account in accounts),
        booked_fills=_fill_keys(accounts, now, failed=False),
        voided_fills=_fill_keys(accounts, now, failed=True),
        booked_settlements=_settlement_keys(accounts, now),
        trading_state=trading_state(accounts),
    )


def _open_positions(accounts: list[VenueAccount]) -> list[Position]:
    rows = Position.objects.filter(venue_account__in=accounts, is_open=True)
    return list(rows.select_related("venue_account", "market").order_by("id"))


def _position(row: Position) -> OpenPosition:
    return OpenPosition(
        account=row.venue_account.account_key,
        market_id=row.market.market_id,
        outcome=Outcome(row.outcome),
        qty_u=row.qty_u,
        paid_u=row.paid_u,
        fees_u=row.fees_u,
        realized_u=row.realized_u,
    )


def _partial_entries(accounts: list[VenueAccount]) -> list[Order]:
    """The entries of open positions that ended with only a part of them filled."""
    held = Position.objects.filter(venue_account__in=accounts, is_open=True).exclude(entry_decision_id="")
    rows = Order.objects.filter(venue_account__in=accounts, decision_id__in=held.values("entry_decision_id"))
    partial = rows.filter(status__in=ENDED, filled_u__gt=0, filled_u__lt=F("qty_u"), side=Side.BUY)
    return list(partial.select_related("venue_account", "market").order_by("id"))


def _part(row: Order) -> EntryPart:
    return EntryPart(
        account=row.venue_account.account_key,
        market_id=row.market.market_id,
        outcome=Outcome(row.outcome),
        filled_u=row.filled_u,
        asked_u=row.qty_u,
    )


def _unfinished_orders(accounts: list[VenueAccount]) -> list[Order]:
    """Our own orders that work, and ended ones whose fills were not all booked yet."""
    unseen = Q(venue_filled_u__gt=F("filled_u") + F("voided_u"))
    rows = Order.objects.filter(Q(status__in=WORKING) | unseen, venue_account__in=accounts, is_external=False)
    return list(rows.select_related("venue_account", "market__game").order_by("id"))


def _working(row: Order) -> WorkingOrder:
    return WorkingOrder(
        order=SubmitOrder(
            decision_id=row.decision_id,
            strategy=row.strategy,
            purpose=Purpose(row.purpose) if row.purpose else Purpose.ENTRY,
            account=row.venue_account.account_key,
            market_id=row.market.market_id,
            game_id=row.market.game.game_id if row.market.game else "",
            side=Side(row.side),
            outcome=Outcome(row.outcome),
            price_u=row.price_u,
            qty_u=row.qty_u,
            time_in_force=TimeInForce(row.time_in_force),
            created_ms=clock.to_ms(row.claimed_at),
            expires_ms=clock.to_ms(row.expires_at) if row.expires_at else None,
            reduce_only=row.reduce_only,
            max_cost_u=row.max_cost_u,
            reason=row.cause,
            decided_u=row.decision_price_u or 0,
        ),
        status=OrderStatus(row.status),
        filled_u=row.venue_filled_u,
        seen_u=row.filled_u + row.voided_u,
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
    )


def _markets_with_baseline() -> list[Market]:
    return list(Market.objects.filter(baseline_mid_u2__isnull=False).exclude(state=MarketState.SETTLED))


def _baseline(row: Market) -> Baseline:
    return Baseline(
        market_id=row.market_id,
        mid_u2=row.baseline_mid_u2 or 0,
        is_late=row.baseline_is_late,
        strength_u=row.baseline_strength_u,
    )


def _closed_trades(accounts: list[VenueAccount]) -> tuple[ClosedTrade, ...]:
    rows = Position.objects.filter(venue_account__in=accounts, is_open=False, bought_u__gt=0)
    newest = rows.select_related("venue_account", "market").order_by("-closed_at", "-id")[:TRADES_REMEMBERED]
    return tuple(_closed_trade(row) for row in reversed(newest))


def _closed_trade(row: Position) -> ClosedTrade:
    return ClosedTrade(
        account=row.venue_account.account_key,
        market_id=row.market.market_id,
        outcome=Outcome(row.outcome),
        realized_u=row.realized_u,
        closed_ms=clock.to_ms(row.closed_at) if row.closed_at else 0,
    )


def _balance(account: VenueAccount, now: datetime) -> BalanceReport:
    cash = cash_balance(account)
    return BalanceReport(
        venue=Venue(account.venue),
        account=account.account_key,
        available_u=cash.available_u,
        total_u=cash.cash_u,
        venue_ms=clock.to_ms(now),
    )


def _fill_keys(accounts: list[VenueAccount], now: datetime, *, failed: bool) -> tuple[str, ...]:
    """Keys as `trading.domain.portfolio.fill_key` makes them."""
    keys: list[str] = []
    for account in accounts:
        booked = Fill.objects.filter(venue_account=account)
        rows = booked.filter(venue_at__gte=_repeatable_since(booked.aggregate(at=Max("venue_at"))["at"], now))
        rows = rows.filter(settle_state=SettleState.FAILED) if failed else rows
        keys += [f"{_name(account)}|{trade_id}|{leg}" for trade_id, leg in _in_order(rows, "trade_id", "leg")]
    return tuple(keys)


def _settlement_keys(accounts: list[VenueAccount], now: datetime) -> tuple[str, ...]:
    keys: list[str] = []
    for account in accounts:
        booked = Settlement.objects.filter(venue_account=account)
        rows = booked.filter(venue_at__gte=_repeatable_since(booked.aggregate(at=Max("venue_at"))["at"], now))
        keys += [f"{_name(account)}|{market_id}" for (market_id,) in _in_order(rows, "market__market_id")]
    return tuple(keys)


def _repeatable_since(last: datetime | None, now: datetime) -> datetime:
    """A catch-up reads from a while before the account's last booked row, however long ago that is."""
    return min(now - RECENT, last - BEFORE_THE_LAST) if last else now - RECENT


def _in_order(rows: QuerySet[Any], *names: str) -> Iterable[tuple[str, ...]]:
    return rows.order_by("id").values_list(*names)


def _name(account: VenueAccount) -> str:
    return f"{account.venue}|{account.account_key}"
