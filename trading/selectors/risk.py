"""The account as the claim's checks see it, read inside the claim's own transaction.

Halts and limits come with the first batch of reads (`trading.selectors.claim`); here is one statement for every
number. Some of its parameters are what the first batch reads (the market's row, what the limits say). They are mostly
what they were at the last claim: so the statement goes along with the first batch, asked with what was known then, and
is asked once more where that is not, word for word, what was read.
Exposure is what open positions cost plus what orders hold in reserve; a claimed order counts in full, whatever became
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import Mode, VenueAccount
from accounts.selectors import has_second_factor
from core.sql import Answer, Statement, go_together, run
from markets.models import Market
from risk.builds import is_build_allowed, running_build
from risk.checks.values import Authority, ClaimSnapshot, Flow, Money, OrderAsk
from risk.selectors import EffectiveState, HeldLimits
from trading.models import OrderStatus, PnlDay, Position
from trading.selectors.claim import Cash
from trading.selectors.claim_sql import (
    AccountNumbers,
    ClaimNumbers,
    OrderNumbers,
    numbers_of,
    numbers_read,
)
from venues.types import MarketState

WORKING = (OrderStatus.CLAIMED, OrderStatus.OPEN)
TEN_MINUTES = timedelta(minutes=10)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAsk:
    """The order as it asks to be claimed, `at` in the trader's time; `unrealized_u` as in `Money`."""

    ask: OrderAsk
    decision_id: str
    cause: str
    strategy: str
    at: datetime
    unrealized_u: int = 0


class Known(NamedTuple):
    """What the numbers are asked with, of rows that are read in the same transaction."""

    market_pk: int
    game_pk: int
    league: str
    losses_from: Any
    window_ms: int
    most_losses: int


class Early(NamedTuple):
    """Numbers that were asked with what was known before."""

    known: Known
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """What is judged, and what a refusal by a halt tells beside it."""

    snapshot: ClaimSnapshot
    state: EffectiveState


def claim_facts(
    account: VenueAccount,
    market: Market,
    cash: Cash,
    asked: ClaimAsk,
    *,
    state: EffectiveState,
    held: HeldLimits,
    early: Early | None = None,
) -> ClaimFacts:
    """Everything `risk.checks.judge_claim` looks at, as of this transaction. Without `early`, or where it was asked
    with anything else than what holds now: one more read."""
    ask, known = asked.ask, _known_now(market, held)
    if early is None or early.known != known:
        _remember((account.pk, market.market_id, asked.strategy), known)
        [answer] = run(numbers_asked(account, asked, known))
        early = Early(known, answer)
    numbers = numbers_of(early.answer)
    snapshot = ClaimSnapshot(
        ask=ask,
        limits=held.limits,
        venue_limit_u=held.venue_limit_u,
        authority=_authority(account, numbers.account, state),
        market_state=MarketState(market.state),
        free_qty_u=numbers.account.held_qty_u - numbers.orders.selling_qty_u if ask.reduces else None,
        money=_money(cash, numbers, asked),
        flow=_flow(numbers.orders),
    )
    return ClaimFacts(snapshot=snapshot, state=state)


def known_before(account: VenueAccount, *, market_id: str, strategy: str) -> Known | None:
    """As of the last claim of this strategy in this market; None where asking early saves nothing."""
    return _last_known.get((account.pk, market_id, strategy)) if go_together() else None


def numbers_asked(account: VenueAccount, asked: ClaimAsk, known: Known) -> Statement:
    """To be run after the account's row is locked: it counts what other claims of the account have left."""
    return numbers_read(_parameters(account, asked, known))


_last_known: dict[tuple[int, str, str], Known] = {}
_MOST_KNOWN = 4_096


def _known_now(market: Market, held: HeldLimits) -> Known:
    limits, game_pk = held.limits, market.game.pk if market.game else 0
    return Known(market.pk, game_pk, market.league, held.losses_counted_from, limits.duplicate_window_ms,
                 limits.max_losses_in_a_row)  # fmt: skip


def _remember(place: tuple[int, str, str], known: Known) -> None:
    if len(_last_known) >= _MOST_KNOWN:
        _last_known.clear()
    _last_known[place] = known


def realized_on(account: VenueAccount, day: date) -> int:
    """µUSD earned for good on a UTC day, after fees."""
    row = PnlDay.objects.filter(venue_account=account, day=day).values_list("realized_u", flat=True).first()
    return row or 0


def closed_results(account: VenueAccount, *, at_most: int, since: datetime | None = None) -> list[int]:
    """What the last closed positions earned, µUSD, the latest first."""
    closed = Position.objects.filter(venue_account=account, is_open=False, bought_u__gt=0)
    if since is not None:
        closed = closed.filter(closed_at__gte=since)
    return list(closed.order_by("-closed_at", "-id").values_list("realized_u", flat=True)[:at_most])


def _parameters(account: VenueAccount, asked: ClaimAsk, known: Known) -> dict[str, Any]:
    ask, stored = asked.ask, connection.ops.adapt_datetimefield_value
    day_start, recent = datetime.combine(asked.at.date(), time(), UTC), asked.at - TEN_MINUTES
    window_start = asked.at - timedelta(milliseconds=known.window_ms)
    return {
        "account": account.pk,
        "user": account.user_id,
        "mode": account.mode,
        "venue": account.venue,
        "market": known.market_pk,
        "game": known.game_pk,
        "league": known.league,
        "strategy": asked.strategy,
        "day": connection.ops.adapt_datefield_value(asked.at.date()),
        "day_start": stored(day_start),
        "recent": stored(recent),
        "window_start": stored(window_start),
        "losses_from": known.losses_from or stored(_EVER),
        "most_losses": 0 if ask.reduces else known.most_losses,
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
        must_flatten=state.flatten,
        needs_proof=needs_proof,
        has_second_factor=not needs_proof or has_second_factor(account.user),
        has_credential=bool(numbers.has_credential),
        allows_entries=state.allows_entries,
        allows_reducing=state.allows_reducing,
        halt_state=state.state,
        is_build_allowed=is_build_allowed(is_live=needs_proof),
        build=running_build(),
    )


def _money(cash: Cash, numbers: ClaimNumbers, asked: ClaimAsk) -> Money:
    own, orders = numbers
    return Money(
        cash_u=cash.cash_u,
        reserved_u=cash.reserved_u,
        open_cost_u=own.open_cost_u,
        market_u=own.market_cost_u + orders.market_reserved_u,
        game_u=own.game_cost_u + orders.game_reserved_u,
        group_u=own.group_cost_u + orders.group_reserved_u,
        system_u=own.system_cost_u + own.system_reserved_u,
        venue_u=own.venue_cost_u + own.venue_reserved_u,
        realized_today_u=own.today_u,
        strategy_today_u=own.strategy_today_u,
        system_today_u=own.system_today_u,
        system_worth_u=own.system_cash_u + own.system_cost_u - min(0, own.system_today_u),
        unrealized_u=asked.unrealized_u,
        losses_in_a_row=own.losses_in_a_row,
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
