"""An order in three steps: written down, sent once, its answer written down.

Story: T1 claims the order (limits, halts, lease, reservation) in one commit; the exact bytes are made and their hash,
and the venue's id where it is known before the send, are committed; a last gate looks at the time, the lease and the
permit, and the transport asks it once more with its hand on the socket; then there is one POST, ever; then T2 keeps the
answer. Invariant: no code path sends an intent twice, and an answer that proves nothing leaves the order claimed and
its money reserved (`order_mark_unknown`) until catch-up finds evidence at the venue. While the database is away nothing
is sent; an answer that came meanwhile waits until it can be written.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from core.clock import from_ms
from core.errors import Conflict, LimitBreached
from core.kill_points import kill_point
from risk.checks import Verdict, judge_wire
from risk.checks.values import WireSnapshot
from trading.domain.commands import CancelOrder, SubmitOrder
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import IntentUpdate
from trading.engine.clock import Clock
from trading.engine.database import AWAY, DatabaseThread
from trading.engine.desk import DeskAccount, order_ref
from trading.engine.fencing import fence_refusal
from trading.engine.permit import Permit
from trading.engine.placing import permit_ask, place, request_of
from trading.engine.watch import RiskWatch
from trading.models import Order
from trading.services.claims import ClaimRefused, order_deny
from trading.services.orders import (
    OrderIntent,
    order_acknowledge,
    order_cancel_requested,
    order_claim,
    order_mark_not_sent,
    order_mark_unknown,
    order_prepare_store,
    order_reject,
)
from venues.errors import Fenced, NotSent, Rejected, VenueError
from venues.ports import OrderAck, PreparedOrder
from venues.transport.departure import LastLook, looked_at_last
from venues.types import VenueMarket

log = structlog.get_logger(__name__)

DECIDED_WITHIN_S = 2.0
"""Real seconds from the decision to the send, however long the claim had to wait: its price is no younger."""
SEND_WITHIN_S = 0.5
"""Real seconds from the claim to the send: a process that was held up in between sends nothing."""
LEASE_MARGIN_S = 2.0
BUDGET_WITHIN_S = 0.25
"""Real seconds that an order may wait for the account's message budget."""
SHORTEST_WAIT_S = 0.001


class Executor:
    """Carries out the session's `SubmitOrder` and `CancelOrder`; tells what became of them as `IntentUpdate`."""

    def __init__(
        self,
        *,
        accounts: Mapping[str, DeskAccount],
        database: DatabaseThread,
        clock: Clock,
        tell: Callable[[IntentUpdate], None],
        market_of: Callable[[str], VenueMarket | None],
        unrealized_u: Callable[[str], int],
        permit: Permit,
        watch: RiskWatch,
        fenced: Callable[[DeskAccount, str], None],
        trouble: Callable[[DeskAccount, VenueError], None],
    ) -> None:
        """`fenced`: the venue refused an order because our own fence is shut; `trouble`: it did not answer plainly."""
        self._accounts = accounts
        self._database = database
        self._clock = clock
        self._tell = tell
        self._market_of = market_of
        self._unrealized_u = unrealized_u
        self._permit = permit
        self._watch = watch
        self._fenced = fenced
        self._trouble = trouble
        self.in_flight: set[str] = set()

    async def submit(self, command: SubmitOrder, context: Mapping[str, Any] | None = None) -> None:
        """From decision to answer. Whatever happens, the session hears of it. `context`: for its audit record."""
        account = self._accounts[command.account]
        now_s = asyncio.get_running_loop().time
        by_s = now_s() + DECIDED_WITHIN_S
        self.in_flight.add(command.decision_id)
        try:
            kill_point("P1.decided")
            order = await self._claim(account, command, context or {})
            by_s = min(by_s, now_s() + SEND_WITHIN_S)
            prepared = await self._prepare(account, order, command) if order is not None else None
            if order is None or prepared is None:
                return
            look = await self._last_gate(account, order, command, by_s)
            if refusal := await self._not_as_approved(account, order, prepared) or look():
                kill_point("P3.gate_refused")
                await self._deny(order, refusal)
            else:
                await self._send(account, order, prepared, look)
        finally:
            self.in_flight.discard(command.decision_id)

    async def cancel(self, command: CancelOrder, context: Mapping[str, Any] | None = None) -> None:
        """Ask the venue to take the order off. Only evidence (a report or a read) ends it, so nothing is told here."""
        order = await self._database.call(_working_order, command.decision_id)
        if order is None:
            return
        account = self._accounts[order.venue_account.account_key]
        kill_point("P10.before_store")
        await self._database.attempt(
            order_cancel_requested, order=order, reason=command.reason, at=self._now(), context=context
        )
        await self.cancel_order(account, order)

    async def cancel_order(self, account: DeskAccount, order: Order) -> None:
        """One cancel request. A cancel may be asked again later: it is idempotent on the venue's id."""
        if asyncio.get_running_loop().time() > account.lease_until_s:
            return
        kill_point("P10.before_send")
        try:
            ack = await account.gateway.cancel(order_ref(order))
        except VenueError as error:
            kill_point("P11.unanswered")
            self._trouble(account, error)
            log.warning("cancel_unanswered", order=order.client_order_id, code=error.code, error=error.message)
            return
        kill_point("P11.answered")
        log.info("cancel_answered", order=order.client_order_id, canceled=ack.is_canceled, reason=ack.reason)

    async def _claim(self, account: DeskAccount, command: SubmitOrder, context: Mapping[str, Any]) -> Order | None:
        """T1. None: refused by a limit, a halt, a lost lease or because this decision already has an order."""
        if not account.is_reconciled or not account.fence_token:
            self._report(command.decision_id, OrderStatus.DENIED, reason="not_reconciled")
            return None
        intent = self._intent(account, command, context)
        verdict = await self._judged(command)
        kill_point("P2.before_claim")
        try:
            if verdict is not None:
                await self._database.call(
                    order_deny, venue_account=account.row, lease_epoch=account.epoch, intent=intent, verdict=verdict
                )
            order = await self._database.call(
                order_claim, venue_account=account.row, lease_epoch=account.epoch, intent=intent
            )
            kill_point("P2.claim_returned")
            return order
        except (LimitBreached, Conflict) as refusal:
            log.warning("order_denied", decision=command.decision_id, code=refusal.code, **refusal.extra)
            if isinstance(refusal, ClaimRefused):
                await self._watch.act(account, refusal.verdict, market_id=command.market_id)
            self._report(command.decision_id, OrderStatus.DENIED, reason=refusal.code)
        except AWAY as error:  # the claim may have been committed: catch-up closes what was never prepared
            log.error("order_not_claimed", decision=command.decision_id, error=str(error))
            self._report(command.decision_id, OrderStatus.DENIED, reason="database_away")
        return None

    async def _judged(self, command: SubmitOrder) -> Verdict | None:
        """What the session's own checks say; an order that only the message budget refuses waits for its turn as long
        as it stays fresh (PT-17)."""
        loop, pretrade = asyncio.get_running_loop(), self._watch.pretrade
        deadline_s = loop.time() + BUDGET_WITHIN_S
        while (verdict := pretrade.judge(command)) is not None:
            wait_s = pretrade.budget_wait_s(command, verdict)
            if loop.time() + wait_s > deadline_s:
                break
            await asyncio.sleep(max(wait_s, SHORTEST_WAIT_S))
        return verdict

    def _intent(self, account: DeskAccount, command: SubmitOrder, context: Mapping[str, Any]) -> OrderIntent:
        return OrderIntent(
            decision_id=command.decision_id,
            strategy=command.strategy,
            purpose=command.purpose,
            market_id=command.market_id,
            side=command.side,
            outcome=command.outcome,
            price_u=command.price_u,
            qty_u=command.qty_u,
            time_in_force=command.time_in_force,
            created_ms=command.created_ms,
            max_cost_u=command.max_cost_u,
            expires_ms=command.expires_ms,
            reduce_only=command.reduce_only,
            unrealized_u=self._unrealized_u(command.account),
            cause=command.reason,
            decided_u=command.decided_u,
            context=context,
            fence_token=account.fence_token,
        )

    async def _prepare(self, account: DeskAccount, order: Order, command: SubmitOrder) -> PreparedOrder | None:
        """Make the bytes and commit their hash. None: the adapter refused the order before any send."""
        market = self._market_of(command.market_id)
        try:
            if market is None:
                raise Rejected(f"The market {command.market_id} is not listed any more.", code="market_unknown")
            prepared = account.gateway.prepare(request_of(order, market))
            kill_point("P3.after_sign")
        except Rejected as refusal:
            await self._deny(order, refusal)
            return None
        try:
            stored = await self._database.call(order_prepare_store, order=order, prepared=prepared, at=self._now())
        except AWAY as error:
            await self._deny(order, NotSent(f"Not sent: it could not be written down ({error}).", code="database_away"))
            return None
        except Conflict as refusal:  # another trader holds the account: the order is its to close
            log.error("order_not_prepared", order=order.client_order_id, code=refusal.code)
            return None
        kill_point("P3.stored")
        order.body_sha256, order.qty_u = stored.body_sha256, stored.qty_u
        self._report(
            order.decision_id,
            OrderStatus.CLAIMED,
            order,
            venue_order_id=prepared.venue_order_id,
            qty_u=stored.qty_u,
        )
        return prepared

    async def _last_gate(self, account: DeskAccount, order: Order, command: SubmitOrder, by_s: float) -> LastLook:
        """What is asked here and once more by the transport, when nothing is left to wait for."""
        ask = permit_ask(account.row, order)
        await self._permit.awaited(ask)
        return lambda: (
            _too_late(account, by_s)
            or fence_refusal(account, order)
            or self._blind(command)
            or self._permit.refusal(ask)
        )

    def _blind(self, command: SubmitOrder) -> NotSent | None:
        verdict = self._watch.pretrade.judge_again(command)
        if verdict is None:
            return None
        breach = verdict.breach
        return NotSent(f"Not sent: {breach.value}, limit {breach.limit} ({breach.pt}).", code=breach.code)

    async def _not_as_approved(self, account: DeskAccount, order: Order, prepared: PreparedOrder) -> NotSent | None:
        """PT-26: what is about to leave, held against what was committed. A difference stops everything."""
        leaving = WireSnapshot(
            approved_sha256=order.body_sha256,
            leaving_sha256=hashlib.sha256(prepared.body).hexdigest(),
            approved_qty_u=order.qty_u,
            leaving_qty_u=prepared.request.qty_u,
        )
        verdict = judge_wire(leaving)
        if verdict is None:
            self._watch.vitals.sent.send(order.decision_id, prepared.request.qty_u)
            return None
        await self._watch.act(account, verdict)
        return NotSent("Not sent: it is not what was approved.", code=verdict.breach.code)

    async def _send(self, account: DeskAccount, order: Order, prepared: PreparedOrder, look: LastLook) -> None:
        """The one POST of this order's life, and T2."""
        kill_point("P4.before_send")
        try:
            with looked_at_last(look):
                ack = await place(account.gateway, prepared)
        except NotSent as refusal:
            kill_point("P6.refused_unsent")
            await self._deny(order, refusal)
        except Rejected as refusal:
            kill_point("P6.rejected")
            await self._keep(order_reject, order, refusal)
            if isinstance(refusal, Fenced) and order.fence_token == account.fence_token:
                self._fenced(account, refusal.message)
        except VenueError as error:  # OutcomeUnknown and all that is not on the list of definitive answers
            kill_point("P6.unanswered")
            log.warning("order_outcome_unknown", order=order.client_order_id, code=error.code, error=error.message)
            await self._keep(order_mark_unknown, order, error)
            self._trouble(account, error)
        else:
            kill_point("P6.answered")
            await self._keep_ack(order, ack)

    async def _keep_ack(self, order: Order, ack: OrderAck) -> None:
        try:
            kept = await self._database.persist(order_acknowledge, order=order, ack=ack, at=self._now())
        except Conflict as refusal:  # another trader holds the account by now: it finds the order at the venue
            log.error("answer_not_written", order=order.client_order_id, code=refusal.code)
            return
        kill_point("P7.after_commit")
        self._report(
            order.decision_id,
            OrderStatus(kept.status),
            order,
            filled_u=ack.filled_u,
            venue_order_id=ack.venue_order_id,
        )

    async def _deny(self, order: Order, refusal: VenueError) -> None:
        log.warning("order_not_sent", order=order.client_order_id, code=refusal.code, error=refusal.message)
        await self._keep(order_mark_not_sent, order, refusal)

    async def _keep(self, write: Callable[..., Order], order: Order, answer: VenueError) -> None:
        kept = await self._database.persist(_write_down, write, order, answer, self._now())
        kill_point("P7.after_commit")
        self._report(order.decision_id, OrderStatus(kept.status), order, reason=answer.code)

    def _report(
        self,
        decision_id: str,
        status: OrderStatus,
        order: Order | None = None,
        *,
        filled_u: int = 0,
        venue_order_id: str = "",
        reason: str = "",
        qty_u: int = 0,
    ) -> None:
        client_order_id = order.client_order_id if order is not None else ""
        self._tell(
            IntentUpdate(
                decision_id=decision_id,
                status=status,
                filled_u=filled_u,
                client_order_id=client_order_id,
                venue_order_id=venue_order_id,
                reason=reason,
                qty_u=qty_u,
            )
        )

    def _now(self) -> datetime:
        return from_ms(self._clock.now_ms())


def _too_late(account: DeskAccount, by_s: float) -> NotSent | None:
    """The last look before the wire, by the monotonic clock: a process that slept wakes up here, not at the venue."""
    now_s = asyncio.get_running_loop().time()
    if now_s > by_s:
        return NotSent(f"Not sent: {now_s - by_s:.1f} s too late after its decision or claim.", code="send_deadline")
    if account.lease_until_s - now_s < LEASE_MARGIN_S:
        return NotSent("Not sent: the lease of this account is about to run out.", code="lease_margin")
    return None


def _write_down(write: Callable[..., Order], order: Order, answer: VenueError, at: datetime) -> Order:
    """T2 of an answer that is no acceptance. A report that was quicker, and ended the order otherwise, has the say."""
    try:
        return write(order=order, code=answer.code, reason=answer.message, at=at)
    except Conflict:
        return Order.objects.get(pk=order.pk)


def _working_order(decision_id: str) -> Order | None:
    working = (OrderStatus.CLAIMED, OrderStatus.OPEN)
    rows = Order.objects.select_related("market", "venue_account")
    return rows.filter(decision_id=decision_id, status__in=working).order_by("-attempt").first()
