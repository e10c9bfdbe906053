"""Reads one account at its venue and puts it beside our rows. Reads only: nothing here can place or cancel an order.

Story: all of an account is read in one healthy cycle (cash first and last: the canary that proves the venue answers,
and that nothing moved in between), what is new in it is booked, then both sides are compared; a difference is only what
a second cycle some seconds later finds again. Invariant: a read that fails or is cut short raises, and then nothing at
all is known: no order has ended, nothing is flat.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import structlog
from django.conf import settings

from accounts.models import CREDENTIAL_OF, Mode, VenueAccount
from accounts.services import credential_open
from core import clock
from core.clock import from_ms, now_ms, to_ms
from core.errors import Conflict, DomainError, Unavailable
from core.simulated import simulator_port
from trading.domain.reconciling import Difference, DifferenceKind, Quantities, Theirs, compare, confirmed
from trading.models import ReconciliationRun, RunOutcome, RunTrigger
from trading.selectors.our_books import (
    fills_known_to,
    known_orders,
    last_fill_at,
    last_settlement_at,
    markets_traded,
    order_ref,
    orders_to_look_for,
    our_books,
)
from trading.selectors.reconciliation import last_run, runs_waiting
from trading.services.reconciliation import reconciliation_begin, reconciliation_end, reconciliation_fail
from trading.services.reconciliation_halts import reconciliation_halts_follow
from trading.services.refold import account_differences
from trading.services.reports import order_report_closed, report_book
from venues.errors import VenueError
from venues.ports import AccountReader, OrderRef
from venues.readers import PRODUCTION, VenueEndpoints, open_reader, simulated_endpoints
from venues.simulator.remote import SimulatorControl
from venues.types import (
    BalanceReport,
    FillReport,
    OrderReport,
    PositionReport,
    SettlementReport,
    SettleState,
    Venue,
    VenueMarket,
)

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(minutes=10)
FIRST_LOOK_BACK_MS = 86_400_000
CONFIRM_AFTER_S = 3.0
"""Real seconds between the two cycles: longer than a venue's own reads lag behind."""
YOUNG = timedelta(seconds=10)
COMPARED_LATELY = timedelta(seconds=90)
EDGE_MS = 2_000
"""Venues cut lists at whole seconds: what is nearer to the edge is not compared."""
CONTROL_PORT = 9

T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to read: from when on, and which of our orders to ask for by name if they are not among the open ones."""

    orders_since_ms: int
    fills_since_ms: int
    settled_since_ms: int
    refs: tuple[OrderRef, ...] = ()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One whole cycle."""

    plan: Plan
    open_orders: tuple[OrderReport, ...]
    other_orders: tuple[OrderReport, ...]
    fills: tuple[FillReport, ...]
    settlements: tuple[SettlementReport, ...]
    positions: tuple[PositionReport, ...]
    balance: BalanceReport


def plan_of(account: VenueAccount, *, venue_ms: int, look_for: bool) -> Plan:
    """From a while before the last row that is booked, of fills before the oldest that is not final; `venue_ms` is the
    venue's time now. `look_for`: ask for orders of ours one by one."""
    fill_at, settled_at = last_fill_at(account), last_settlement_at(account)
    wanted = orders_to_look_for(account, older_than=YOUNG) if look_for else []
    return Plan(
        orders_since_ms=_before(fill_at) or max(0, venue_ms - FIRST_LOOK_BACK_MS),
        fills_since_ms=_before(fills_known_to(account)),
        settled_since_ms=_before(settled_at),
        refs=tuple(order_ref(order) for order in wanted),
    )


async def read_account(reader: AccountReader, plan: Plan) -> Reading:
    """Raises what the first read that fails raises. A cycle in which the cash moved is read again, up to twice."""
    for _ in range(3):
        before = await reader.balance()
        open_orders = await reader.open_orders()
        seen = {report.venue_order_id for report in open_orders} | {report.client_order_id for report in open_orders}
        missing = [ref for ref in plan.refs if not seen & {ref.venue_order_id, ref.client_order_id}]
        asked = [report for ref in missing if (report := await reader.order(ref)) is not None]
        reading = Reading(
            plan=plan,
            open_orders=tuple(open_orders),
            other_orders=(*asked, *await reader.orders_since(plan.orders_since_ms)),
            fills=tuple(await reader.fills_since(plan.fills_since_ms)),
            settlements=tuple(await reader.settlements_since(plan.settled_since_ms)),
            positions=tuple(await reader.positions()),
            balance=await reader.balance(),
        )
        if reading.balance.total_u == before.total_u:
            break
    return reading


def strangers_in(account: VenueAccount, reading: Reading) -> list[OrderReport]:
    """Orders that were read, open or ended, and that our books do not have."""
    reports = {report.venue_order_id: report for report in (*reading.other_orders, *reading.open_orders)}
    names = [name for report in reports.values() for name in _names(report)]
    known = known_orders(account, frozenset(names))
    return [report for report in reports.values() if not known.intersection(_names(report))]


def reading_book(account: VenueAccount, reading: Reading) -> None:
    """Everything that was read becomes rows, each once; what cannot be booked is told and shows as a difference."""
    orders = [order_report_closed(account, report) for report in reading.other_orders]
    reports: list[FillReport | OrderReport | SettlementReport] = [*orders, *reading.open_orders]
    for report in (*reports, *reading.fills, *reading.settlements):
        try:
            report_book(venue_account=account, report=report)
        except DomainError as error:
            log.error("report_refused", kind=type(report).__name__, code=error.code, error=error.message)


def differences_of(account: VenueAccount, reading: Reading, *, is_whole: bool) -> tuple[Difference, ...]:
    """What differs now. `is_whole`: our own books are folded anew, too."""
    edge_ms = reading.plan.fills_since_ms + EDGE_MS
    ledger = tuple(account_differences(account)) if is_whole else ()
    names = [name for report in reading.open_orders for name in _names(report)]
    ours = our_books(account, since=from_ms(edge_ms), venue_ids=names, ledger=ledger)
    return compare(ours, theirs_of(reading, since_ms=edge_ms))


def theirs_of(reading: Reading, *, since_ms: int) -> Theirs:
    """The venue's side, in the words of the comparison."""
    fills = {
        f"{fill.trade_id}/{fill.leg}": fill.qty_u
        for fill in reading.fills
        if fill.venue_ms >= since_ms and fill.settle_state is not SettleState.FAILED
    }
    positions: dict[str, Quantities] = {
        one.market_id: (one.yes_qty_u, one.no_qty_u) for one in reading.positions if one.yes_qty_u or one.no_qty_u
    }
    orders = {one.venue_order_id: (one.client_order_id, one.market_id, one.filled_u) for one in reading.open_orders}
    return Theirs(cash_u=reading.balance.total_u, positions=positions, orders=orders, fills=fills)


def evidence_of(reading: Reading, differences: Sequence[Difference], unconfirmed: int) -> dict[str, object]:
    """What a run keeps of it."""
    return {
        "open_orders": len(reading.open_orders),
        "fills": len(reading.fills),
        "settlements": len(reading.settlements),
        "positions": len(reading.positions),
        "cash_u": reading.balance.total_u,
        "venue_ms": reading.balance.venue_ms,
        "unconfirmed": unconfirmed,
        "differences": [{"key": one.key, "gap_u": one.gap_u} for one in differences[:50]],
    }


def ended_ghosts(first: Sequence[Difference], second: Sequence[Difference]) -> list[Difference]:
    """Ghosts of the first cycle that the evidence read since has ended."""
    still = {one.key for one in second}
    return [one for one in first if one.kind is DifferenceKind.GHOST and one.key not in still]


# --- without a trader: tasks and commands ----------------------------------------------------------------------------


def reconcile(
    account: VenueAccount,
    *,
    trigger: RunTrigger,
    asked: ReconciliationRun | None = None,
    confirm_after_s: float = CONFIRM_AFTER_S,
) -> ReconciliationRun:
    """Read, book, compare and keep what was found. Every failure to read ends the run as failed; nothing raises it."""
    run = reconciliation_begin(venue_account=account, trigger=trigger, asked=asked)
    try:
        secrets = _secrets(account)
        endpoints, clock_ms = _place(account)

        def cycle() -> tuple[Reading, tuple[Difference, ...]]:
            markets = markets_traded(account)
            plan = plan_of(account, venue_ms=clock_ms(), look_for=True)
            reading = asyncio.run(_read_once(account, endpoints, secrets, clock_ms, plan, markets))
            reading_book(account, reading)
            return reading, differences_of(account, reading, is_whole=True)

        reading, first = cycle()
        second = first
        if first:
            time.sleep(confirm_after_s)
            reading, second = cycle()
    except (VenueError, DomainError) as problem:
        run = reconciliation_fail(run=run, code=problem.code, message=problem.message)
    else:
        stands = confirmed(first, second)
        evidence = evidence_of(reading, stands, len(first) - len(stands))
        run = reconciliation_end(run=run, differences=stands, vanished=ended_ghosts(first, second), evidence=evidence)
    reconciliation_halts_follow(run=run)
    return run


def reconcile_all() -> int:
    """Every enabled account that has a venue; how many runs were not clean. What stands still is left alone."""
    rows = VenueAccount.objects.select_related("user").filter(is_enabled=True).exclude(mode=Mode.PAPER)
    runs = [reconcile(row, trigger=RunTrigger.BEAT) for row in rows.order_by("id") if not _is_left_alone(row)]
    return sum(run.outcome != RunOutcome.CLEAN for run in runs)


def reconcile_asked_for() -> int:
    """What people asked for and nobody has begun; how many runs that were."""
    done = 0
    for run in runs_waiting():
        try:
            reconcile(run.venue_account, trigger=RunTrigger.API, asked=run)
        except Conflict:
            continue  # another worker took it
        done += 1
    return done


def _is_left_alone(account: VenueAccount) -> bool:
    """The trader compares often while it runs; a replay's venue stands still between steps."""
    young = last_run(account)
    if young is not None and young.ended_at is not None and clock.now() - young.ended_at < COMPARED_LATELY:
        return True
    try:
        return is_stepped(account)
    except VenueError:
        return False


def is_stepped(account: VenueAccount) -> bool:
    """True while the account's venue stands still between the steps of a replay: nobody reads it by the wall clock."""
    return account.mode == Mode.SIMULATED and _simulated_clock().paused


def _place(account: VenueAccount) -> tuple[VenueEndpoints, Callable[[], int]]:
    """Where this account's venue is, and its clock. Raises Unavailable for an account that has no venue of its own."""
    if account.mode == Mode.SIMULATED:
        at_ms = _simulated_clock().now_ms
        return simulated_endpoints(simulator_port(), host=settings.SIMULATOR_HOST), lambda: at_ms
    if account.mode == Mode.LIVE:
        return PRODUCTION, now_ms
    raise Unavailable("unavailable", f"{account} is filled by the trader itself: there is no venue to compare it with.")


class _Clock(msgspec.Struct, frozen=True):
    now_ms: int
    paused: bool


def _simulated_clock() -> _Clock:
    """Raises VenueError when the simulator does not answer."""

    async def ask() -> _Clock:
        control = SimulatorControl(host=settings.SIMULATOR_HOST, port=simulator_port() + CONTROL_PORT)
        try:
            reading = await control.clock()
        finally:
            await control.aclose()
        return _Clock(reading.now_ms, reading.paused)

    return asyncio.run(ask())


def _secrets(account: VenueAccount) -> Mapping[str, str]:
    opened = credential_open(
        account=account, kind=CREDENTIAL_OF[Venue(account.venue)], purpose="reconcile", actor="reconciliation"
    )
    return {name: secret.reveal_text() for name, secret in opened.items()}


async def _read_once(
    account: VenueAccount,
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    clock_ms: Callable[[], int],
    plan: Plan,
    markets: Mapping[str, VenueMarket],
) -> Reading:
    reader = open_reader(
        Venue(account.venue),
        endpoints=endpoints,
        secrets=secrets,
        account=account.account_key,
        market_of=markets.get,
        clock_ms=clock_ms,
    )
    try:
        return await read_account(reader, plan)
    finally:
        await reader.aclose()


def _names(report: OrderReport) -> list[str]:
    return [name for name in (report.venue_order_id, report.client_order_id) if name]


def _before(moment: datetime | None) -> int:
    return max(0, to_ms(moment - LOOK_BACK)) if moment else 0
