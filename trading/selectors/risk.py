"""The account as the claim's checks see it, read inside the claim's own transaction.

Halts and limits come with the first batch of reads (`trading.selectors.claim`); here are two statements for every
number and one for the results of the last closed positions, in one round trip.
Exposure is what open positions cost plus what orders hold in reserve; a claimed order counts in full, whatever became
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from django.db import connection

from accounts.models import Mode, VenueAccount
from accounts.selectors import has_second_factor
from core.sql import run
from markets.models import Market
from risk.builds import is_build_allowed, running_build
from risk.checks.values import Authority, ClaimSnapshot, Flow, Money, OrderAsk
from risk.limits import Limits
from risk.selectors import EffectiveState, HeldLimits
from trading.models import AccountLedger, OrderStatus, PnlDay, Position
from trading.selectors.claim_sql import (
    AccountNumbers,
    ClaimNumbers,
    OrderNumbers,
    numbers_of,
    numbers_read,
    results_read,
)
from venues.types import MarketState

WORKING = (OrderStatus.CLAIMED, OrderStatus.OPEN)
TEN_MINUTES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAsk:
    """The order as it asks to be claimed, `at` in the trader's time; `unrealized_u` as in `Money`."""

    ask: OrderAsk
    decision_id: str
    cause: str
    strategy: str
    at: datetime
    unrealized_u: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """What is judged, and what a refusal by a halt tells beside it."""

    snapshot: ClaimSnapshot
    state: EffectiveState


def claim_facts(
    account: VenueAccount,
    market: Market,
    ledger: AccountLedger,
    asked: ClaimAsk,
    *,
    state: EffectiveState,
    held: HeldLimits,
) -> ClaimFacts:
    """Everything `risk.checks.judge_claim` looks at, as of this transaction: one batch of three reads."""
    ask = asked.ask
    most = 0 if ask.reduces else held.limits.max_losses_in_a_row
    of_account, of_orders, results = run(
        *numbers_read(_parameters(account, market, asked, held.limits)),
        results_read(account.pk, at_most=most, since=held.losses_counted_from),
    )
    numbers = numbers_of(of_account, of_orders)
    snapshot = ClaimSnapshot(
        ask=ask,
        limits=held.limits,
        authority=_authority(account, numbers.account, state),
        market_state=MarketState(market.state),
        free_qty_u=numbers.account.held_qty_u - numbers.orders.selling_qty_u if ask.reduces else None,
        money=_money(ledger, numbers, asked, streak=sum(1 for _ in takewhile(_is_loss, results.rows))),
        flow=_flow(numbers.orders),
    )
    return ClaimFacts(snapshot=snapshot, state=state)


def _is_loss(row: tuple[int, ...]) -> bool:
    return row[0] < 0


def realized_on(account: VenueAccount, day: date) -> int:
    """µUSD earned for good on a UTC day, after fees."""
    row = PnlDay.objects.filter(venue_account=account, day=day).values_list("realized_u", flat=True).first()
    return row or 0


def losses_in_a_row(account: VenueAccount, *, at_most: int, since: datetime | None = None) -> int:
    """How many of the last closed positions lost, counted back to the last one that did not; up to `at_most`."""
    results = closed_results(account, at_most=at_most, since=since)
    return sum(1 for _ in takewhile(lambda realized_u: realized_u < 0, results))


def closed_results(account: VenueAccount, *, at_most: int, since: datetime | None = None) -> list[int]:
    """What the last closed positions earned, µUSD, the latest first."""
    closed = Position.objects.filter(venue_account=account, is_open=False, bought_u__gt=0)
    if since is not None:
        closed = closed.filter(closed_at__gte=since)
    return list(closed.order_by("-closed_at", "-id").values_list("realized_u", flat=True)[:at_most])


def _parameters(account: VenueAccount, market: Market, asked: ClaimAsk, limits: Limits) -> dict[str, Any]:
    ask, stored = asked.ask, connection.ops.adapt_datetimefield_value
    day_start, recent = datetime.combine(asked.at.date(), time(), UTC), asked.at - TEN_MINUTES
    window_start = asked.at - timedelta(milliseconds=limits.duplicate_window_ms)
    return {
        "account": account.pk,
        "mode": account.mode,
        "market": market.pk,
        "game": market.game.pk if market.game else 0,
        "league": market.league,
        "strategy": asked.strategy,
        "day": connection.ops.adapt_datefield_value(asked.at.date()),
        "day_start": stored(day_start),
        "recent": stored(recent),
        "window_start": stored(window_start),
        "since": stored(min(day_start, recent, window_start)),
        "decision_id": asked.decision_id,
        "cause": asked.cause,
        "side": str(ask.side),
        "outcome": str(ask.outcome),
        "price_u": ask.price_u,
        "qty_u": ask.qty_u,
        "yes_price_u": ask.yes_price_u,
        "buys_yes": ask.buys_yes,
        "sign": 1 if ask.buys_yes else -1,
        "reduces": ask.reduces,
    }


def _authority(account: VenueAccount, numbers: AccountNumbers, state: EffectiveState) -> Authority:
    needs_proof = account.mode == Mode.LIVE
    return Authority(
        is_enabled=bool(numbers.is_enabled),
        is_user_active=bool(numbers.is_user_active),
        is_stopped=bool(numbers.is_stopped),
        needs_proof=needs_proof,
        has_second_factor=not needs_proof or has_second_factor(account.user),
        has_credential=bool(numbers.has_credential),
        allows_entries=state.allows_entries,
        allows_reducing=state.allows_reducing,
        halt_state=state.state,
        is_build_allowed=is_build_allowed(is_live=needs_proof),
        build=running_build(),
    )


def _money(ledger: AccountLedger, numbers: ClaimNumbers, asked: ClaimAsk, *, streak: int) -> Money:
    own, orders = numbers
    return Money(
        cash_u=ledger.cash_u,
        reserved_u=ledger.reserved_u,
        open_cost_u=own.open_cost_u,
        market_u=own.market_cost_u + orders.market_reserved_u,
        game_u=own.game_cost_u + orders.game_reserved_u,
        group_u=own.group_cost_u + orders.group_reserved_u,
        system_u=own.system_cost_u + own.system_reserved_u,
        realized_today_u=own.today_u,
        strategy_today_u=own.strategy_today_u,
        system_today_u=own.system_today_u,
        system_worth_u=own.system_cash_u + own.system_cost_u - min(0, own.system_today_u),
        unrealized_u=asked.unrealized_u,
        losses_in_a_row=streak,
        peak_u=own.peak_u,
    )


def _flow(numbers: OrderNumbers) -> Flow:
    return Flow(
        open_orders=numbers.open_orders,
        unknown_market=numbers.unknown_market,
        unknown_account=numbers.unknown_account,
        unknown_system=numbers.unknown_system,
        twins=numbers.twins,
        crossed=numbers.crossed,
        entries_10min=numbers.entries_10min,
        entries_day=numbers.entries_day,
        messages_10min=numbers.messages_10min,
        fills_10min=numbers.fills_10min,
        last_50=numbers.last_50,
        rejected_of_50=numbers.rejected_of_50,
    )
