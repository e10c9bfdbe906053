"""An account is clean only while a young comparison says so and nothing stands against it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import VenueAccount
from core import clock
from tests.builders import a_claimed_order, a_market, a_user, an_account
from trading.domain.reconciling import DifferenceKind
from trading.models import (
    Finding,
    FindingState,
    OrphanedOrder,
    OrphanState,
    ReconciliationRun,
    RunOutcome,
    RunTrigger,
)
from trading.selectors.reconciliation import is_clean, why_not_clean

pytestmark = pytest.mark.django_db


def a_run(account: VenueAccount, outcome: RunOutcome = RunOutcome.CLEAN, *, age_s: int = 0) -> ReconciliationRun:
    ended = clock.now() - timedelta(seconds=age_s)
    return ReconciliationRun.objects.create(
        venue_account=account, trigger=RunTrigger.CLI, outcome=outcome, began_at=ended, ended_at=ended
    )


def test_an_account_that_was_never_compared_is_not_clean():
    account = an_account()
    assert not is_clean(account) and "never compared" in why_not_clean(account)[0]


def test_a_young_clean_run_speaks_for_it_and_an_old_or_bad_one_does_not():
    account = an_account()
    a_run(account, age_s=3_600)
    assert not is_clean(account)
    a_run(account, RunOutcome.FAILED, age_s=20)
    assert not is_clean(account)
    a_run(account, age_s=10)
    assert is_clean(account) and not is_clean(account, within=timedelta(seconds=5))
    a_run(account, RunOutcome.DIFFERENCES)
    assert not is_clean(account)


def test_an_order_without_an_answer_a_finding_and_an_orphan_each_stand_against_it():
    account, market = an_account(), a_market()
    a_run(account)
    order = a_claimed_order(account, market)
    assert not is_clean(account)
    type(order).objects.filter(pk=order.pk).update(status="void")
    assert is_clean(account)
    finding = Finding.objects.create(venue_account=account, kind=DifferenceKind.CASH, key="cash:+1", text="one off")
    assert why_not_clean(account) == ["one off"]
    Finding.objects.filter(pk=finding.pk).update(state=FindingState.RESOLVED)
    orphan = OrphanedOrder.objects.create(
        venue_account=account,
        market_id=market.market_id,
        venue_order_id="v",
        venue_state="resting",
        venue_at=clock.now(),
    )
    for state in (OrphanState.OPEN, OrphanState.CLOSING):
        OrphanedOrder.objects.filter(pk=orphan.pk).update(state=state)
        assert not is_clean(account)
    OrphanedOrder.objects.filter(pk=orphan.pk).update(state=OrphanState.CLOSED)
    assert is_clean(account)


def test_another_accounts_trouble_is_not_this_ones():
    account, other = an_account(), an_account(a_user("bob@example.org"))
    a_run(account)
    Finding.objects.create(venue_account=other, kind=DifferenceKind.CASH, key="cash:+1", text="one off")
    assert is_clean(account)
