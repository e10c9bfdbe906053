"""What a comparison keeps: one row per difference, money only when found twice, orphans until a person decides."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from django.db.models import F

from accounts.models import VenueAccount
from audit.models import AuditEntry
from core import clock
from core.errors import Conflict, Invalid
from notifications.models import Alert
from risk.models import HaltState, TradingHalt
from risk.selectors import effective_state, scopes_of
from tests.builders import NOON_MS, ONE, USD, a_fill, a_market, an_account
from trading.domain.reconciling import Difference, DifferenceKind
from trading.models import (
    CashEntry,
    CashKind,
    Finding,
    FindingState,
    Order,
    OrphanedOrder,
    OrphanState,
    Position,
    ReconciliationRun,
    RunOutcome,
    RunTrigger,
)
from trading.reading import plan_of
from trading.selectors.ledgers import cash_balance
from trading.selectors.reconciliation import UNENDED_AT_MOST, is_clean, runs_waiting
from trading.services.fills import fill_book
from trading.services.orders import order_apply_report
from trading.services.orphans import orphan_adopt, orphan_close_ask, orphan_close_proven, orphan_mark_false
from trading.services.reconciliation import (
    finding_dismiss,
    reconciliation_ask,
    reconciliation_begin,
    reconciliation_end,
    reconciliation_fail,
)
from trading.services.reconciliation_halts import (
    COMPARED_WITHIN,
    OVERDUE,
    reconciliation_halts_follow,
    reconciliation_overdue_pause,
)
from trading.services.refold import account_differences
from venues.types import OrderReport, OrderState, Outcome, SettleState, Side, Venue

pytestmark = pytest.mark.django_db

LOOK_BACK_MS = 10 * 60 * 1_000


def compared(
    account: VenueAccount, *differences: Difference, trigger: RunTrigger = RunTrigger.PERIODIC
) -> ReconciliationRun:
    run = reconciliation_begin(venue_account=account, trigger=trigger)
    run = reconciliation_end(run=run, differences=differences, evidence={"positions": 0})
    reconciliation_halts_follow(run=run)
    return run


def a_position_gap(theirs_u: int = 5 * ONE) -> Difference:
    key = "position:kalshi:M:YES"
    return Difference(kind=DifferenceKind.POSITION, key=key, text="M differs", ours_u=ONE, theirs_u=theirs_u)


def a_cash_gap(account: VenueAccount, gap_u: int) -> Difference:
    ours_u = cash_balance(account).cash_u
    return Difference(
        kind=DifferenceKind.CASH, key=f"cash:{gap_u:+}", text="cash", ours_u=ours_u, theirs_u=ours_u + gap_u
    )


def a_lost_order(account: VenueAccount, state: OrderState = OrderState.RESTING, **changes: object) -> OrderReport:
    values = {"client_order_id": "cs1-lost", "venue_order_id": "v-lost", "filled_u": 0, "remaining_u": 10 * ONE}
    return OrderReport(
        venue=Venue(account.venue), account=account.account_key, market_id=a_market().market_id, state=state,
        venue_ms=NOON_MS, side=Side.BUY, outcome=Outcome.YES, price_u=400_000, qty_u=10 * ONE, **{**values, **changes},
    )  # fmt: skip


def state_of(account: VenueAccount) -> HaltState:
    return effective_state(scopes_of(account)).state


def test_the_same_difference_is_one_row_one_alert_and_a_pause_that_ends_with_it():
    account = an_account()
    for theirs_u in (5 * ONE, 5 * ONE, 6 * ONE):
        assert compared(account, a_position_gap(theirs_u)).outcome == RunOutcome.DIFFERENCES
        assert state_of(account) is HaltState.PAUSED
    finding = Finding.objects.get()
    assert (finding.state, finding.times_seen, finding.theirs_u) == ("open", 3, 6 * ONE)
    assert Alert.objects.filter(code="reconciliation_difference").count() == 1
    assert compared(account).outcome == RunOutcome.CLEAN and is_clean(account)
    assert state_of(account) is HaltState.ACTIVE
    compared(account, a_position_gap())
    assert list(Finding.objects.order_by("id").values_list("state", flat=True)) == ["resolved", "open"]
    assert AuditEntry.objects.filter(kind="finding.opened").count() == 2


def test_a_run_that_could_not_read_the_venue_changes_nothing_that_was_known():
    account = an_account()
    compared(account, a_position_gap())
    for _ in range(2):
        run = reconciliation_begin(venue_account=account, trigger=RunTrigger.BEAT)
        reconciliation_halts_follow(run=reconciliation_fail(run=run, code="unreachable", message="No answer."))
    assert Finding.objects.get().state == FindingState.OPEN
    assert state_of(account) is HaltState.PAUSED and not is_clean(account)
    assert Alert.objects.filter(code="reconciliation_failed").count() == 1


def test_an_account_that_could_not_be_compared_for_too_long_pauses_until_it_was():
    account = an_account()
    assert reconciliation_overdue_pause(venue_account=account), "never compared is no comparison"
    compared(account)
    assert state_of(account) is HaltState.ACTIVE
    back_by(COMPARED_WITHIN - timedelta(seconds=30))
    assert not reconciliation_overdue_pause(venue_account=account) and state_of(account) is HaltState.ACTIVE
    back_by(timedelta(seconds=31))
    for _ in range(2):
        run = reconciliation_begin(venue_account=account, trigger=RunTrigger.PERIODIC)
        reconciliation_halts_follow(run=reconciliation_fail(run=run, code="unreachable", message="No answer."))
        assert reconciliation_overdue_pause(venue_account=account) and state_of(account) is HaltState.PAUSED
    assert TradingHalt.objects.get().code == OVERDUE
    compared(account, a_position_gap())
    assert not reconciliation_overdue_pause(venue_account=account), "it was compared"
    assert TradingHalt.objects.get(code=OVERDUE).state == HaltState.PAUSED, "and is not clean"
    compared(account)
    assert state_of(account) is HaltState.ACTIVE


def back_by(age: timedelta) -> None:
    """So much time has gone by since all comparisons ended."""
    ReconciliationRun.objects.update(ended_at=F("ended_at") - age)


def test_money_moved_outside_is_booked_when_it_is_found_again_and_never_before():
    account = an_account()
    compared(account, a_cash_gap(account, -25 * USD))
    assert not CashEntry.objects.filter(kind=CashKind.EXTERNAL).exists()
    run = compared(account, a_cash_gap(account, -25 * USD))
    entry = CashEntry.objects.get(kind=CashKind.EXTERNAL)
    finding = Finding.objects.get()
    assert (entry.amount_u, finding.state, finding.cash_entry) == (-25 * USD, FindingState.BOOKED, entry)
    assert cash_balance(account).cash_u == 9_975 * USD and account_differences(account) == []
    assert run.outcome == RunOutcome.CLEAN and Alert.objects.filter(code="external_cash").exists()


@pytest.mark.parametrize("cause", ["another gap", "another difference", "our cash moved"])
def test_money_is_not_booked_while_anything_else_may_explain_it(cause):
    account = an_account()
    gap = a_cash_gap(account, 3 * USD)
    compared(account, gap)
    if cause == "another gap":
        compared(account, a_cash_gap(account, 4 * USD))
    elif cause == "another difference":
        compared(account, gap, a_position_gap())
    else:
        fill_book(venue_account=account, report=a_fill(account, a_market()))
        compared(account, gap)
    assert not CashEntry.objects.filter(kind=CashKind.EXTERNAL).exists()


@pytest.mark.parametrize("cause", ["an explained difference", "a fill that is not final"])
def test_a_gap_that_a_taken_back_fill_may_explain_is_no_transfer_and_stays_told(cause):
    account = an_account()
    if cause == "an explained difference":
        compared(account, a_position_gap())
        finding_dismiss(finding=Finding.objects.get(), reason="moved by hand", actor="op")
        others = [a_position_gap()]
    else:
        fill_book(venue_account=account, report=a_fill(account, a_market(), settle_state=SettleState.PENDING))
        others = []
    for _ in range(3):
        run = compared(account, a_cash_gap(account, 4_170_000), *others)
        assert run.outcome == RunOutcome.DIFFERENCES and state_of(account) is HaltState.PAUSED
    assert not CashEntry.objects.filter(kind=CashKind.EXTERNAL).exists()


def test_fills_are_read_from_before_the_oldest_that_is_not_final():
    account, market = an_account(), a_market()
    later_ms = NOON_MS + 11 * 60_000
    assert plan_of(account, venue_ms=later_ms, look_for=False).fills_since_ms == 0
    fill = a_fill(account, market, trade_id="old", venue_ms=NOON_MS, settle_state=SettleState.PENDING)
    fill_book(venue_account=account, report=fill)
    fill_book(venue_account=account, report=a_fill(account, market, venue_ms=later_ms))
    plan = plan_of(account, venue_ms=later_ms, look_for=False)
    assert (plan.fills_since_ms, plan.orders_since_ms) == (NOON_MS - LOOK_BACK_MS, later_ms - LOOK_BACK_MS)
    final = msgspec.structs.replace(fill, settle_state=SettleState.CONFIRMED)
    fill_book(venue_account=account, report=final)
    assert plan_of(account, venue_ms=later_ms, look_for=False).fills_since_ms == later_ms - LOOK_BACK_MS


def test_a_person_explains_a_difference_and_the_same_gap_is_not_found_again():
    account = an_account()
    compared(account, a_position_gap())
    finding = Finding.objects.get()
    with pytest.raises(Invalid):
        finding_dismiss(finding=finding, reason=" ", actor="op")
    finding_dismiss(finding=finding, reason="moved by hand", actor="op")
    with pytest.raises(Conflict):
        finding_dismiss(finding=finding, reason="again", actor="op")
    assert compared(account, a_position_gap()).outcome == RunOutcome.CLEAN
    assert compared(account, a_position_gap(7 * ONE)).outcome == RunOutcome.DIFFERENCES


def test_a_ghost_that_ended_by_evidence_is_kept_as_found_and_over():
    account = an_account()
    ghost = Difference(kind=DifferenceKind.GHOST, key="ghost:cs1-a", text="gone")
    run = reconciliation_begin(venue_account=account, trigger=RunTrigger.START)
    run = reconciliation_end(run=run, differences=(), vanished=(ghost,), evidence={})
    assert (run.outcome, Finding.objects.get().state) == (RunOutcome.CLEAN, FindingState.RESOLVED)


def test_asking_twice_before_it_began_is_one_run():
    account = an_account()
    asked = reconciliation_ask(venue_account=account, actor="ann")
    assert reconciliation_ask(venue_account=account, actor="bob").pk == asked.pk
    reconciliation_begin(venue_account=account, trigger=RunTrigger.API, asked=asked)
    with pytest.raises(Conflict):
        reconciliation_begin(venue_account=account, trigger=RunTrigger.API, asked=asked)
    assert reconciliation_ask(venue_account=account, actor="bob").pk != asked.pk


def test_what_somebody_asked_for_is_begun_anew_when_the_worker_died_over_it():
    account = an_account()
    asked = reconciliation_ask(venue_account=account, actor="ann")
    reconciliation_begin(venue_account=account, trigger=RunTrigger.API, asked=asked)
    reconciliation_begin(venue_account=account, trigger=RunTrigger.BEAT)
    assert runs_waiting() == []
    ReconciliationRun.objects.update(began_at=clock.now() - UNENDED_AT_MOST - timedelta(seconds=1))
    (found,) = runs_waiting()
    assert found == asked
    again = reconciliation_begin(venue_account=account, trigger=RunTrigger.API, asked=found)
    with pytest.raises(Conflict):
        reconciliation_begin(venue_account=account, trigger=RunTrigger.API, asked=found)
    reconciliation_end(run=again, differences=(), evidence={})
    assert runs_waiting() == [] and asked in ReconciliationRun.objects.filter(outcome=RunOutcome.CLEAN)


# --- orders of ours that our books do not have ------------------------------------------------------------------------


def test_an_order_with_our_mark_becomes_no_order_by_itself():
    account = an_account()
    for _ in range(2):
        assert order_apply_report(venue_account=account, report=a_lost_order(account)) is None
    orphan = OrphanedOrder.objects.get()
    assert (orphan.state, orphan.qty_u, Order.objects.count()) == ("open", 10 * ONE, 0)
    assert Alert.objects.filter(code="orphaned_order").count() == 1 and not is_clean(account)


def test_one_that_ended_with_nothing_filled_needs_nobody():
    account = an_account()
    order_apply_report(venue_account=account, report=a_lost_order(account, OrderState.CANCELED, remaining_u=0))
    assert OrphanedOrder.objects.get().state == OrphanState.CLOSED and not Alert.objects.exists()


def test_found_at_a_start_it_stops_the_account_until_a_person_decides_and_the_books_are_clean():
    account = an_account()
    order_apply_report(venue_account=account, report=a_lost_order(account))
    compared(account, trigger=RunTrigger.START)
    assert OrphanedOrder.objects.get().found_at_start
    assert TradingHalt.objects.get(code="orphaned_order").state == HaltState.HALTED
    compared(account)
    assert state_of(account) is HaltState.HALTED
    orphan_mark_false(orphan=OrphanedOrder.objects.get(), reason="my other program", actor="ann")
    assert state_of(account) is HaltState.HALTED, "a decision alone proves nothing"
    compared(account)
    halt = TradingHalt.objects.get(code="orphaned_order")
    assert (halt.state, halt.reason, halt.actor) == ("active", "my other program", "ann")
    adopted = order_apply_report(venue_account=account, report=a_lost_order(account))
    assert adopted is not None and adopted.is_external and adopted.reserved_u == 4 * USD


def test_found_while_it_runs_it_pauses_the_account():
    account = an_account()
    order_apply_report(venue_account=account, report=a_lost_order(account))
    compared(account)
    assert state_of(account) is HaltState.PAUSED


def test_adopted_it_is_an_order_of_ours_with_its_fills_and_its_reservation():
    account, market = an_account(), a_market()
    order_apply_report(venue_account=account, report=a_lost_order(account, filled_u=4 * ONE, remaining_u=6 * ONE))
    fill = fill_book(
        venue_account=account, report=a_fill(account, market, venue_order_id="v-lost", qty_u=4 * ONE, fee_u=0)
    )
    assert fill.order is None
    orphan = OrphanedOrder.objects.get()
    with pytest.raises(Invalid):
        orphan_adopt(orphan=orphan, reason="", actor="ann")
    order = orphan_adopt(orphan=orphan, reason="restored from a backup", actor="ann")
    order.refresh_from_db()
    orphan.refresh_from_db()
    assert (order.status, order.filled_u, order.reserved_u, order.is_external) == ("open", 4 * ONE, 2_400_000, False)
    assert (orphan.state, orphan.order, orphan.resolved_by) == (OrphanState.ADOPTED, order, "ann")
    assert Position.objects.get().qty_u == 4 * ONE and account_differences(account) == []
    done = a_lost_order(account, OrderState.CANCELED, filled_u=4 * ONE, remaining_u=0)
    assert order_apply_report(venue_account=account, report=done).status == "canceled"
    with pytest.raises(Conflict):
        orphan_close_ask(orphan=orphan, reason="changed my mind", actor="ann")


def test_closing_is_a_wish_that_only_the_venues_word_fulfils():
    account = an_account()
    order_apply_report(venue_account=account, report=a_lost_order(account))
    orphan = orphan_close_ask(orphan=OrphanedOrder.objects.get(), reason="not wanted", actor="ann")
    assert orphan.state == OrphanState.CLOSING and not is_clean(account)
    order_apply_report(venue_account=account, report=a_lost_order(account, OrderState.CANCELED, remaining_u=0))
    order_apply_report(venue_account=account, report=a_lost_order(account))
    orphan.refresh_from_db()
    assert (orphan.state, orphan.venue_state, orphan.reason) == ("closed", "canceled", "not wanted")


def test_closing_is_proven_by_absence_where_the_venue_forgets():
    account = an_account(venue=Venue.POLYMARKET)
    order_apply_report(venue_account=account, report=a_lost_order(account))
    orphan = OrphanedOrder.objects.get()
    assert orphan_close_proven(orphan=orphan, evidence={"absent_s": 2}).state == OrphanState.OPEN, "nobody asked"
    orphan_close_ask(orphan=orphan, reason="not wanted", actor="ann")
    closed = orphan_close_proven(orphan=orphan, evidence={"absent_s": 2})
    assert (closed.state, closed.evidence, closed.resolved_by) == (OrphanState.CLOSED, {"absent_s": 2}, "ann")
    assert AuditEntry.objects.filter(kind="orphan.closed").count() == 1
