"""T1: the one transaction that turns a decision into an order row, or refuses it. After its commit, and only then,
the order may be sent, once.

Inside one transaction: the lease and its margin, the fence, the account's switch, its owner's wish (a stopped trader
opens and closes nothing), every halt scope, the market's state, the account's limits, one live order per decision, the
reservation, the audit entry and the outbox message. Correctness rests on unique constraints and conditional updates
(SQLite has no row locks); the ledger row is locked on top.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from django.db import IntegrityError, connection, transaction

from accounts.models import VenueAccount
from audit.services import ChainHead, chain_of_account, head_of, head_read
from core import clock
from core.errors import Conflict, LimitBreached
from core.kill_points import kill_point
from core.money import usd_of
from core.sql import Statement, insert, mark_inserted, run_beside, run_last
from risk.checks import Verdict, judge_claim
from risk.checks.sizes import nears_a_shared_limit
from risk.checks.values import OrderAsk
from risk.selectors import EffectiveState
from trading.models import Order, OrderStatus
from trading.selectors.claim import Claimant, ClaimView, claim_reads, view_of
from trading.selectors.risk import ClaimAsk, Early, claim_facts, known_before, numbers_asked
from trading.services.lease import CLAIM_MARGIN
from trading.services.moves import lock_ledger
from trading.services.records import event_writes
from venues.types import MICRO, Outcome, Side, TimeInForce

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CLIENT_ID_PREFIX = "cs1-"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What the session wants: units as in `venues.types`; `max_cost_u` is the most it can cost with its fee (0 for
    exits), `unrealized_u` the `open_losses_u` of the account's own legs at the marks the session saw, `decided_u` the
    price that could be had at the decision (0: none), `context` what the audit record keeps of it."""

    decision_id: str
    strategy: str
    purpose: str
    market_id: str
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    time_in_force: TimeInForce
    created_ms: int
    max_cost_u: int = 0
    expires_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    unrealized_u: int = 0
    fence_token: str = ""
    cause: str = ""
    decided_u: int = 0
    context: Mapping[str, Any] = field(default_factory=dict)


def order_claim(*, venue_account: VenueAccount, lease_epoch: int, intent: OrderIntent) -> Order:
    """Write the order down and reserve its cost: status CLAIMED, never sent yet.

    Raises Conflict (`lease_lost`, `fence_not_current`, `duplicate_decision`): nothing was written; LimitBreached (a
    limit's or a halt's code): a row with status DENIED keeps the refusal and its reason; NotFound for a market that is
    not in the books.
    """
    try:
        order, refusal = _claim_in_turn(venue_account, lease_epoch, intent)
    except IntegrityError as clash:
        raise Conflict("duplicate_decision", decision_id=intent.decision_id) from clash
    if refusal is not None:
        raise refusal
    kill_point("P2.after_commit")
    return order


class ClaimRefused(LimitBreached):
    """A check said no; `verdict` tells which, and what it does beside refusing."""

    def __init__(self, verdict: Verdict, message: str = "", **extra: Any) -> None:
        self.verdict = verdict
        super().__init__(verdict.breach.code, message, **extra)


def order_deny(*, venue_account: VenueAccount, lease_epoch: int, intent: OrderIntent, verdict: Verdict) -> NoReturn:
    """Keep an order that the session's own checks refused before any claim: status DENIED, with check and numbers.

    Always raises ClaimRefused, as a claim would have; Conflict as a claim. A price or size that no row can say is told
    by the refusal alone.
    """
    refusal = refusal_of(verdict)
    if 0 < intent.price_u < MICRO and intent.qty_u > 0:
        _claim(venue_account, lease_epoch, intent, refusal)
    raise refusal


class _NotAlone(Exception):
    """Nothing was written: so near a limit that many accounts share, no other claim may be under way."""


def _claim_in_turn(
    venue_account: VenueAccount, lease_epoch: int, intent: OrderIntent
) -> tuple[Order, LimitBreached | None]:
    """Beside other accounts' claims where none of them can matter, else while there is none (docs/adr/0012)."""
    try:
        return _claim(venue_account, lease_epoch, intent)
    except _NotAlone:
        return _claim(venue_account, lease_epoch, intent, is_alone=True)


@transaction.atomic(durable=True)
def _claim(
    venue_account: VenueAccount,
    lease_epoch: int,
    intent: OrderIntent,
    refused: LimitBreached | None = None,
    *,
    is_alone: bool = False,
) -> tuple[Order, LimitBreached | None]:
    """The order, or its denial, with all that belongs to it: what is read, a judgement, a batch of writes."""
    asked = _asked(intent)
    order, view, head, early = _look(venue_account, lease_epoch, intent, asked, is_alone=is_alone)
    kill_point("P2.locked")
    if not view.gate.holds_lease:
        raise Conflict("lease_lost")
    if intent.fence_token and intent.fence_token != view.gate.fence_token:
        raise Conflict("fence_not_current")  # it was shut, or shut and replaced, while the order waited for its turn
    if view.gate.has_live_order:
        raise Conflict("duplicate_decision", decision_id=intent.decision_id)
    order.market = view.market
    if view.gate.attempts:
        _name(order, venue_account, attempt=view.gate.attempts)
    refusal = refused or _refusal(venue_account, view, asked, early)
    kill_point("P2.after_checks")
    if refusal is None:
        _write(order, head, kind="claimed", payload=_terms(order), audit=_record(intent))
        kill_point("P2.before_commit")
    else:
        order.status, order.reserved_u = OrderStatus.DENIED, 0
        order.reason_code, order.reason, order.closed_at = refusal.code, refusal.message, order.claimed_at
        _write(order, head, kind="denied", payload={**_terms(order), **refusal.extra}, audit=_record(intent))
        kill_point("P2.denied_before_commit")
    return order, refusal


def _look(
    account: VenueAccount, lease_epoch: int, intent: OrderIntent, asked: ClaimAsk, *, is_alone: bool
) -> tuple[Order, ClaimView, ChainHead, Early | None]:
    """Lock the account and read what can be read at once; meanwhile the row is built, without its market and as a first
    attempt."""
    chain = chain_of_account(account.uid)
    who = Claimant(
        account=account,
        epoch=lease_epoch,
        lease_margin=CLAIM_MARGIN,
        decision_id=intent.decision_id,
        strategy=intent.strategy,
        market_id=intent.market_id,
        is_alone=is_alone,
    )
    reads = [*claim_reads(who), head_read(chain)]
    known = known_before(account, market_id=intent.market_id, strategy=intent.strategy)
    order, answers = run_beside(
        lambda: _build(account, lease_epoch, intent, asked),
        *reads,
        *([numbers_asked(account, asked, known)] if known else ()),
    )
    *seen, head = answers[: len(reads)]
    view = view_of(who, seen)
    if view is None:  # nobody booked anything for this account yet
        lock_ledger(account.pk)
        return _look(account, lease_epoch, intent, asked, is_alone=is_alone)
    return order, view, head_of(chain, head), Early(known, answers[-1]) if known else None


def _write(order: Order, head: ChainHead, *, kind: str, payload: dict[str, object], audit: dict[str, object]) -> None:
    """The row, its reservation, evidence, audit entry and outbox message."""
    reservation = [_reservation(order)] if order.reserved_u else []
    events = event_writes(order, head, kind=kind, before=order.status, payload=payload, audit=audit)
    inserted, *_ = run_last(insert(order), *reservation, *events)
    mark_inserted(order, inserted)
    kill_point("P2.after_insert")
    kill_point("P2.after_reserve")


def _reservation(order: Order) -> Statement:
    """The last word on cash: a conditional update that two claims at once cannot both pass."""
    return Statement(
        "UPDATE trading_accountledger SET reserved_u = reserved_u + %s, updated_at = %s"
        " WHERE venue_account_id = %s AND cash_u >= reserved_u + %s",
        [
            order.reserved_u,
            connection.ops.adapt_datetimefield_value(clock.now()),
            order.venue_account_id,
            order.reserved_u,
        ],
        lambda: LimitBreached("insufficient_cash"),
    )


def _asked(intent: OrderIntent) -> ClaimAsk:
    """The intent in the words of the checks."""
    is_buy = intent.side is Side.BUY
    ask = OrderAsk(
        cost_u=max(intent.max_cost_u, usd_of(price_u=intent.price_u, qty_u=intent.qty_u)) if is_buy else 0,
        reduces=intent.reduce_only,
        side=intent.side,
        outcome=intent.outcome,
        price_u=intent.price_u,
        qty_u=intent.qty_u,
    )
    return ClaimAsk(
        ask=ask,
        decision_id=intent.decision_id,
        cause=intent.cause[:160],
        strategy=intent.strategy,
        at=clock.from_ms(intent.created_ms),
        unrealized_u=intent.unrealized_u,
    )


def _build(venue_account: VenueAccount, lease_epoch: int, intent: OrderIntent, asked: ClaimAsk) -> Order:
    order = Order(
        venue_account=venue_account,
        strategy=intent.strategy,
        purpose=intent.purpose,
        cause=asked.cause,
        decision_id=intent.decision_id,
        lease_epoch=lease_epoch,
        fence_token=intent.fence_token,
        side=intent.side,
        outcome=intent.outcome,
        price_u=intent.price_u,
        decision_price_u=intent.decided_u or None,
        qty_u=intent.qty_u,
        time_in_force=intent.time_in_force,
        expires_at=clock.from_ms(intent.expires_ms) if intent.expires_ms is not None else None,
        post_only=intent.post_only,
        reduce_only=intent.reduce_only,
        max_cost_u=asked.ask.cost_u,
        reserved_u=asked.ask.cost_u,
        claimed_at=asked.at,
    )
    _name(order, venue_account, attempt=0)
    return order


def _name(order: Order, account: VenueAccount, *, attempt: int) -> None:
    order.attempt, key = attempt, account.account_key
    order.client_order_id = client_order_id(account_key=key, decision_id=order.decision_id, attempt=attempt)


def client_order_id(*, account_key: str, decision_id: str, attempt: int) -> str:
    """Our own name of an order at the venue: the same for the same decision and attempt, 26 characters.

    A function of the decision, so that even a database restored from a backup cannot send one decision under two names.
    """
    digest = hashlib.sha256(f"{account_key}|{decision_id}|{attempt}".encode()).digest()
    number, text = int.from_bytes(digest[:17], "big"), ""
    for _ in range(22):
        number, index = divmod(number, 62)
        text += _BASE62[index]
    return CLIENT_ID_PREFIX + text


def _refusal(account: VenueAccount, view: ClaimView, asked: ClaimAsk, early: Early | None) -> LimitBreached | None:
    """The first of `risk.checks.CLAIM_CHECKS` that says no, on what this transaction sees."""
    facts = claim_facts(account, view.market, view.cash, asked, state=view.halt, held=view.held, early=early)
    verdict = judge_claim(facts.snapshot)
    if verdict is None and not view.is_alone and nears_a_shared_limit(facts.snapshot):
        raise _NotAlone
    return refusal_of(verdict, facts.state) if verdict is not None else None


def refusal_of(verdict: Verdict, state: EffectiveState | None = None) -> ClaimRefused:
    """The breach as an error: its check, its numbers, the level that set the limit, and a halt's own words."""
    breach = verdict.breach
    extra: dict[str, Any] = {"value": breach.value, "limit": breach.limit, "pt": breach.pt, "level": str(breach.level)}
    if breach.pt == "PT-01" and state is not None:
        return ClaimRefused(verdict, state.reason, scope=state.scope, state=state.state, **extra)
    return ClaimRefused(verdict, **extra)


def _terms(order: Order) -> dict[str, object]:
    """What was decided, for evidence and audit."""
    return {
        "client_order_id": order.client_order_id,
        "decision_id": order.decision_id,
        "market_id": order.market.market_id,
        "side": order.side,
        "outcome": order.outcome,
        "price_u": order.price_u,
        "decision_price_u": order.decision_price_u,
        "qty_u": order.qty_u,
        "time_in_force": order.time_in_force,
        "reserved_u": order.reserved_u,
        "epoch": order.lease_epoch,
        "reason_code": order.reason_code,
    }


def _record(intent: OrderIntent) -> dict[str, object]:
    """The part of an ENTRY or EXIT record that only the audit keeps."""
    return {"record": (intent.purpose or "order").upper(), "context": dict(intent.context)}


def at_or_now(at: datetime | None) -> datetime:
    """The trader's own time of an event, else the wall clock's."""
    return at or clock.now()
