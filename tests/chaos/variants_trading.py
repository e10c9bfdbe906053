"""Traders that send, wait or give up as they must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import tests.chaos.run as run_module
from risk.models import HaltState
from risk.selectors import EffectiveState
from tests.chaos.trader import LoopPermit
from tests.chaos.variants import variant
from tests.swapped import swapped
from trading.engine import desk, executor, fencing, pretrade, proof
from trading.models import Order, OrderStatus
from trading.services import claims, lease, moves
from venues.errors import OutcomeUnknown
from venues.kalshi.client_orders import KalshiOrders
from venues.polymarket.gateway import PolymarketOrders

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
        stack.enter_context(swapped(claims, "view_of", blind))
        stack.enter_context(swapped(claims, "_refusal", forgetful(claims._refusal)))
        stack.enter_context(swapped(pretrade.PreTrade, "judge", forgetful(pretrade.PreTrade.judge)))
        stack.enter_context(swapped(claims, "client_order_id", another_name))
        stack.enter_context(swapped(run_module, "database", without_index))
        yield


@variant("an order without an answer is sent again")
def sent_again() -> Iterator[None]:
    def twice(real: Any) -> Any:
        async def place(self: Any, prepared: Any) -> Any:
            try:
                return await real(self, prepared)
            except OutcomeUnknown:
                return await real(self, prepared)

        return place

    kalshi = swapped(KalshiOrders, "place", twice(KalshiOrders.place))
    with kalshi, swapped(PolymarketOrders, "place", twice(PolymarketOrders.place)):
        yield


@variant("the order is sent first and written down with its answer")
def written_down_late() -> Iterator[None]:
    def unwritten(*, order: Order, prepared: Any, at: Any = None) -> Order:
        order.body_sha256, order.qty_u = prepared.body_sha256, prepared.request.qty_u
        return order

    with swapped(executor, "order_prepare_store", unwritten):
        yield


@variant("no answer within the deadline means rejected")
def timeout_is_rejection() -> Iterator[None]:
    with swapped(executor, "order_mark_unknown", executor.order_reject):
        yield


@variant("not found once means never taken")
def absent_is_dead() -> Iterator[None]:
    async def end(self: proof.ProofOfDeath, order: Order) -> Order | None:
        return await self._end(order, OrderStatus.VOID, 0.0) if order.status == OrderStatus.CLAIMED else None

    with swapped(proof.ProofOfDeath, "absent", end):
        yield


@variant("a halt is not asked about, neither by the claim nor by the gate")
def halts_unheeded() -> Iterator[None]:
    def free(*given: Any) -> Any:
        view = _view_of(*given)
        return None if view is None else replace(view, halt=EffectiveState(HaltState.ACTIVE))

    _view_of = claims.view_of
    with swapped(claims, "view_of", free), swapped(LoopPermit, "refusal", lambda self, ask: None):
        yield


@variant("orders are priced from a book that has a gap or no stream")
def broken_book_used() -> Iterator[None]:
    with swapped(pretrade.PreTrade, "judge", lambda self, command: None):
        yield


# --- one trader at a time -----------------------------------------------------------------------------------------


@variant("the lease is believed for ever: no margin, no epoch in any write")
def lease_believed() -> Iterator[None]:
    def held(*given: Any) -> Any:
        view = _view_of(*given)
        return None if view is None else replace(view, gate=view.gate._replace(holds_lease=True))

    _view_of = claims.view_of
    with ExitStack() as stack:
        stack.enter_context(swapped(claims, "view_of", held))
        stack.enter_context(swapped(executor, "_too_late", lambda account, decided_s: None))
        stack.enter_context(swapped(moves, "bound_epoch", lambda account: None))
        stack.enter_context(swapped(desk.Desk, "renew_leases", _renewed_at_leisure))
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

    with swapped(fencing, "_shut", nothing):
        yield
