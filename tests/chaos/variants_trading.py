"""Traders that send, wait or give up as they must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import tests.chaos.run as run_module
from accounts.models import VenueAccount
from risk.models import HaltState
from risk.selectors import EffectiveState
from tests.chaos.trader import LoopPermit
from tests.chaos.variants import patched, variant
from trading.engine import custody, desk, executor, fencing, host, pretrade, proof
from trading.models import FenceState, Order, OrderStatus, TraderLease, VenueFence
from trading.services import claims, lease, moves
from venues.errors import OutcomeUnknown
from venues.kalshi.client_orders import KalshiOrders
from venues.polymarket.gateway import PolymarketOrders
from venues.transport.departure import looked_at_last

# --- sending ------------------------------------------------------------------------------------------------------


@variant("a decision may have two orders: no unique index, and the claim does not ask")
def decided_twice() -> Iterator[None]:
    def blind(*given: Any) -> Any:
        view = _view_of(*given)
        return None if view is None else replace(view, gate=view.gate._replace(has_live_order=False, attempts=0))

    _view_of, real, named = claims.view_of, run_module.database, claims.client_order_id
    numbers = iter(range(1_000_000))

    @contextmanager
    def without_index(*given: Any, **more: Any) -> Iterator[Any]:
        with real(*given, **more) as wrapper:
            with wrapper.cursor() as cursor:
                cursor.execute("DROP INDEX order_one_live_per_decision")
                cursor.execute("DROP INDEX IF EXISTS order_attempt_once")
            yield wrapper

    def another_name(**given: Any) -> str:
        return named(**{**given, "attempt": next(numbers)})

    def forgetful(refused: Callable[..., Any]) -> Callable[..., Any]:
        """Whatever else would notice a repetition (PT-15, PT-27) does not."""

        def judged(*given: Any) -> Any:
            verdict = refused(*given)
            pt = getattr(verdict, "extra", {}).get("pt") or getattr(getattr(verdict, "breach", None), "pt", "")
            return None if pt in ("PT-15", "PT-27") else verdict

        return judged

    with ExitStack() as stack:
        stack.enter_context(patched(claims, "view_of", blind))
        stack.enter_context(patched(claims, "_refusal", forgetful(claims._refusal)))
        stack.enter_context(patched(pretrade.PreTrade, "judge", forgetful(pretrade.PreTrade.judge)))
        stack.enter_context(patched(claims, "client_order_id", another_name))
        stack.enter_context(patched(run_module, "database", without_index))
        yield


@variant("an order without an answer is sent again, and nothing is asked the second time")
def sent_again() -> Iterator[None]:
    def twice(real: Any) -> Any:
        async def place(self: Any, prepared: Any) -> Any:
            try:
                return await real(self, prepared)
            except OutcomeUnknown:
                with looked_at_last(lambda: None):
                    return await real(self, prepared)

        return place

    kalshi = patched(KalshiOrders, "place", twice(KalshiOrders.place))
    with kalshi, patched(PolymarketOrders, "place", twice(PolymarketOrders.place)):
        yield


@variant("the order is sent first and written down with its answer")
def written_down_late() -> Iterator[None]:
    def unwritten(*, order: Order, prepared: Any, at: Any = None) -> Order:
        order.body_sha256, order.qty_u = prepared.body_sha256, prepared.request.qty_u
        return order

    with patched(executor, "order_prepare_store", unwritten):
        yield


@variant("no answer within the deadline means rejected")
def timeout_is_rejection() -> Iterator[None]:
    with patched(executor, "order_mark_unknown", executor.order_reject):
        yield


@variant("not found once means never taken")
def absent_is_dead() -> Iterator[None]:
    async def end(self: proof.ProofOfDeath, order: Order) -> Order | None:
        return await self._end(order, OrderStatus.VOID, 0.0) if order.status == OrderStatus.CLAIMED else None

    with patched(proof.ProofOfDeath, "absent", end):
        yield


@variant("a halt is not asked about, neither by the claim nor by the gate")
def halts_unheeded() -> Iterator[None]:
    def free(*given: Any) -> Any:
        view = _view_of(*given)
        return None if view is None else replace(view, halt=EffectiveState(HaltState.ACTIVE))

    _view_of = claims.view_of
    with patched(claims, "view_of", free), patched(LoopPermit, "refusal", lambda self, ask: None):
        yield


@variant("orders are priced from a book that has a gap or no stream")
def broken_book_used() -> Iterator[None]:
    def nothing(self: Any, command: Any) -> None:
        return None

    at_last = patched(pretrade.PreTrade, "judge_again", nothing)
    with patched(pretrade.PreTrade, "judge", nothing), at_last:
        yield


# --- one trader at a time -----------------------------------------------------------------------------------------


@variant("the lease is believed for ever: no margin, no epoch in any write, nor does a shut fence end the trader")
def lease_believed() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(_no_write_asks())
        stack.enter_context(patched(executor, "_too_late", lambda account, decided_s: None))
        stack.enter_context(patched(desk.Desk, "renew_leases", _renewed_at_leisure))
        stack.enter_context(patched(custody.Custody, "give_up", lambda self, reason: None))
        yield


@contextmanager
def _no_write_asks() -> Iterator[None]:
    """Neither the claim nor any other write looks at the lease."""

    def held(*given: Any) -> Any:
        view = _view_of(*given)
        return None if view is None else replace(view, gate=view.gate._replace(holds_lease=True))

    _view_of = claims.view_of
    with patched(claims, "view_of", held), patched(moves, "bound_epoch", lambda account: None):
        yield


async def _renewed_at_leisure(self: desk.Desk, database: Any) -> None:
    for account in self.accounts.values():
        account.lease_until_s = asyncio.get_running_loop().time() + lease.LEASE.total_seconds()
        try:
            await database.call(lease.lease_renew, venue_account=account.row, holder=self.holder, epoch=account.epoch)
        except Exception:
            continue


@variant("the fences of those before are written off without shutting them at the venue")
def fence_not_shut() -> Iterator[None]:
    async def nothing(*given: Any) -> None:
        return

    with patched(fencing, "_shut", nothing):
        yield


@variant("fences are shut without asking for their epoch, nor for one's own lease")
def fence_without_epoch() -> Iterator[None]:
    def live(*, venue_account: VenueAccount, epoch: int) -> list[VenueFence]:
        return list(VenueFence.objects.filter(venue_account=venue_account, state=FenceState.LIVE).order_by("epoch"))

    with patched(fencing, "fences_older", live), patched(fencing, "require_held", lambda account: None):
        yield


@variant("the lease is kept in a cache that forgets it, and no write asks the database")
def lease_in_a_cache() -> Iterator[None]:
    def acquire(*, venue_account: VenueAccount, holder: str) -> TraderLease:
        TraderLease.objects.filter(venue_account=venue_account).update(expires_at=None)
        return lease.lease_acquire(venue_account=venue_account, holder=holder)

    with ExitStack() as stack:
        stack.enter_context(_no_write_asks())
        stack.enter_context(patched(host, "is_held_elsewhere", lambda user, **given: False))
        stack.enter_context(patched(desk, "lease_acquire", acquire))
        stack.enter_context(patched(desk, "lease_renew", lambda **given: None))
        yield
