"""T1: the one transaction that turns a decision into an order row, or refuses it. After its commit, and only then,
the order may be sent, once.

Inside one transaction: the lease and its margin, the account's switch, its owner's wish (a stopped trader opens and
closes nothing), every halt scope, the market's state, the account's limits, one live order per decision, the
reservation, the audit entry and the outbox message. Correctness rests on unique constraints and conditional updates
(SQLite has no row locks); the ledger row is locked on top.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import VenueAccount
from core import clock
from core.errors import Conflict, LimitBreached
from core.kill_points import kill_point
from core.money import usd_of
from markets.models import Market
from risk.checks import Verdict, judge_claim
from risk.checks.values import OrderAsk
from risk.selectors import EffectiveState
from trading.models import AccountLedger, Order, OrderStatus
from trading.selectors.risk import ClaimAsk, claim_facts
from trading.services.lease import require_lease
from trading.services.moves import lock_ledger
from trading.services.records import record_event
from venues.types import Outcome, Side, TimeInForce

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CLIENT_ID_PREFIX = "cs1-"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What the session wants: units as in `venues.types`; `max_cost_u` is the most it can cost with its fee (0 for
    exits), `unrealized_u` the `open_losses_u` of the account's own legs at the marks the session saw."""

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


def order_claim(*, venue_account: VenueAccount, lease_epoch: int, intent: OrderIntent) -> Order:
    """Write the order down and reserve its cost: status CLAIMED, never sent yet.

    Raises Conflict (`lease_lost`, `duplicate_decision`): nothing was written; LimitBreached (a limit's or a halt's
    code): a row with status DENIED keeps the refusal and its reason.
    """
    market = Market.objects.select_related("game").get(market_id=intent.market_id)
    try:
        order = _claim(venue_account, market, lease_epoch, intent)
    except LimitBreached as refusal:
        _keep_denied(venue_account, market, lease_epoch, intent, refusal)
        raise
    kill_point("P2.after_commit")
    return order


@transaction.atomic(durable=True)
def _claim(venue_account: VenueAccount, market: Market, lease_epoch: int, intent: OrderIntent) -> Order:
    ledger = lock_ledger(venue_account.pk)
    kill_point("P2.locked")
    require_lease(venue_account, lease_epoch)
    order = _build(venue_account, market, lease_epoch, intent)
    _require(venue_account, market, ledger, order, intent)
    kill_point("P2.after_checks")
    try:
        with transaction.atomic():
            order.save()
    except IntegrityError as clash:
        raise Conflict("duplicate_decision", decision_id=intent.decision_id) from clash
    kill_point("P2.after_insert")
    _reserve(order)
    kill_point("P2.after_reserve")
    record_event(order, kind="claimed", before=OrderStatus.CLAIMED, payload=_terms(order))
    kill_point("P2.before_commit")
    return order


@transaction.atomic(durable=True)
def _keep_denied(
    venue_account: VenueAccount, market: Market, lease_epoch: int, intent: OrderIntent, refusal: LimitBreached
) -> None:
    lock_ledger(venue_account.pk)
    order = _build(venue_account, market, lease_epoch, intent)
    order.status, order.reserved_u = OrderStatus.DENIED, 0
    order.reason_code, order.reason, order.closed_at = refusal.code, refusal.message, order.claimed_at
    order.save()
    record_event(order, kind="denied", before=OrderStatus.DENIED, payload={**_terms(order), **refusal.extra})
    kill_point("P2.denied_before_commit")


def _build(venue_account: VenueAccount, market: Market, lease_epoch: int, intent: OrderIntent) -> Order:
    attempt = Order.objects.filter(venue_account=venue_account, decision_id=intent.decision_id).count()
    is_buy = intent.side is Side.BUY
    cost_u = max(intent.max_cost_u, usd_of(price_u=intent.price_u, qty_u=intent.qty_u)) if is_buy else 0
    return Order(
        venue_account=venue_account,
        market=market,
        strategy=intent.strategy,
        purpose=intent.purpose,
        cause=intent.cause[:160],
        decision_id=intent.decision_id,
        attempt=attempt,
        client_order_id=client_order_id(
            account_key=venue_account.account_key, decision_id=intent.decision_id, attempt=attempt
        ),
        lease_epoch=lease_epoch,
        fence_token=intent.fence_token,
        side=intent.side,
        outcome=intent.outcome,
        price_u=intent.price_u,
        qty_u=intent.qty_u,
        time_in_force=intent.time_in_force,
        expires_at=clock.from_ms(intent.expires_ms) if intent.expires_ms is not None else None,
        post_only=intent.post_only,
        reduce_only=intent.reduce_only,
        max_cost_u=cost_u,
        reserved_u=cost_u,
        claimed_at=clock.from_ms(intent.created_ms),
    )


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


def _require(
    venue_account: VenueAccount, market: Market, ledger: AccountLedger, order: Order, intent: OrderIntent
) -> None:
    """Every check of `risk.checks.CLAIM_CHECKS`, on what this transaction sees. Raises LimitBreached."""
    asked = ClaimAsk(
        ask=order_ask(order),
        decision_id=intent.decision_id,
        cause=order.cause,
        strategy=intent.strategy,
        at=order.claimed_at,
        unrealized_u=intent.unrealized_u,
    )
    facts = claim_facts(venue_account, market, ledger, asked)
    verdict = judge_claim(facts.snapshot)
    if verdict is not None:
        raise refusal_of(verdict, facts.state)


def order_ask(order: Order) -> OrderAsk:
    """The order in the words of the checks."""
    return OrderAsk(
        cost_u=order.max_cost_u,
        reduces=order.reduce_only,
        side=Side(order.side),
        outcome=Outcome(order.outcome),
        price_u=order.price_u,
        qty_u=order.qty_u,
    )


def refusal_of(verdict: Verdict, state: EffectiveState | None = None) -> LimitBreached:
    """The breach as an error: its check, its numbers, the level that set the limit, and a halt's own words."""
    breach = verdict.breach
    extra: dict[str, Any] = {"value": breach.value, "limit": breach.limit, "pt": breach.pt, "level": str(breach.level)}
    if breach.pt == "PT-01" and state is not None:
        return LimitBreached(breach.code, state.reason, scope=state.scope, state=state.state, **extra)
    return LimitBreached(breach.code, **extra)


def _reserve(order: Order) -> None:
    """The last word on cash: a conditional update that two claims at once cannot both pass."""
    rows = AccountLedger.objects.filter(venue_account_id=order.venue_account_id)
    if order.reserved_u and not rows.filter(cash_u__gte=F("reserved_u") + order.reserved_u).update(
        reserved_u=F("reserved_u") + order.reserved_u, updated_at=clock.now()
    ):
        raise LimitBreached("insufficient_cash")


def _terms(order: Order) -> dict[str, object]:
    """What was decided, for evidence and audit."""
    return {
        "client_order_id": order.client_order_id,
        "decision_id": order.decision_id,
        "market_id": order.market.market_id,
        "side": order.side,
        "outcome": order.outcome,
        "price_u": order.price_u,
        "qty_u": order.qty_u,
        "time_in_force": order.time_in_force,
        "reserved_u": order.reserved_u,
        "epoch": order.lease_epoch,
        "reason_code": order.reason_code,
    }


def at_or_now(at: datetime | None) -> datetime:
    """The trader's own time of an event, else the wall clock's."""
    return at or clock.now()
