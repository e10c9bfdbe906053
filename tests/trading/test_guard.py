"""The guard: stops for a silent trader and for a KILL file, and gives back only what it took itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from accounts.models import VenueAccount
from core import clock
from notifications.models import Alert
from risk.models import OWN, HaltScope, HaltState, KillSwitchEvent, TradingHalt
from risk.selectors import effective_state, scopes_of
from risk.services import halt_rearm_ask, halt_resume, halt_set
from tests.builders import a_claimed_order, a_market, a_user, an_account, an_epoch
from trading.models import TraderState, TraderStatus
from trading.services.guard import KILL_FILE, SILENT, guard_look
from trading.services.standstill import WITHDRAWN
from trading.services.stopping import account_stop_begin, account_stop_note
from venues.types import Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> VenueAccount:
    account = an_account()
    TraderState.objects.create(user=account.user, status=TraderStatus.RUNNING)
    return account


def heard(account: VenueAccount, *, seconds_ago: int) -> None:
    TraderState.objects.filter(user=account.user).update(heartbeat_at=clock.now() - timedelta(seconds=seconds_ago))


def state_of(account: VenueAccount) -> HaltState:
    return effective_state(scopes_of(account)).state


def by_person(account: VenueAccount, state: HaltState) -> TradingHalt:
    key = str(account.user.uid)
    return halt_set(scope=HaltScope.USER, scope_key=key, state=state, code=OWN, reason="careful", actor="ann")


@pytest.mark.parametrize("status", [TraderStatus.RUNNING, TraderStatus.PAUSED])
def test_a_silent_trader_is_paused_until_it_is_heard_again(account, status, tmp_path):
    TraderState.objects.update(status=status)
    heard(account, seconds_ago=60)
    assert "paused" in guard_look(data_dir=tmp_path)[0]
    assert (state_of(account), guard_look(data_dir=tmp_path)) == (HaltState.PAUSED, [])
    heard(account, seconds_ago=0)
    assert "resumed" in guard_look(data_dir=tmp_path)[0]
    assert state_of(account) is HaltState.ACTIVE


@pytest.mark.parametrize("state", [HaltState.REDUCING, HaltState.HALTED])
@pytest.mark.parametrize("is_before", [True, False])
def test_a_persons_halt_outlives_the_guards_pause_whichever_came_first(account, state, is_before, tmp_path):
    if is_before:
        by_person(account, state)
    heard(account, seconds_ago=60)
    guard_look(data_dir=tmp_path)
    if not is_before:
        by_person(account, state)
    heard(account, seconds_ago=0)
    guard_look(data_dir=tmp_path)
    assert state_of(account) is state


def test_what_somebody_made_of_the_guards_own_pause_stands_and_the_others_are_watched_on(account, tmp_path):
    heard(account, seconds_ago=60)
    guard_look(data_dir=tmp_path)
    TradingHalt.objects.filter(code=SILENT).update(state=HaltState.HALTED)
    other = an_account(a_user("bob@example.org"))
    TraderState.objects.create(user=other.user, status=TraderStatus.RUNNING)
    heard(other, seconds_ago=60)
    assert guard_look(data_dir=tmp_path) == [f"paused {other.user.uid}: its trader is silent"]
    assert (state_of(account), state_of(other)) == (HaltState.HALTED, HaltState.PAUSED)


@pytest.mark.parametrize(("mode", "halts"), [("simulated", 1), ("paper", 0)])
def test_an_account_that_is_switched_off_is_halted_in_its_own_mode_only(account, tmp_path, mode, halts):
    """What it left open in the mode before is nobody's to stop, and no person could ever lift such a halt for good."""
    TraderState.objects.update(desired="running")
    a_claimed_order(account, a_market())
    VenueAccount.objects.update(is_enabled=False)
    heard(account, seconds_ago=0)
    with override_settings(TRADING_MODE=mode):
        guard_look(data_dir=tmp_path)
    assert TradingHalt.objects.filter(code=WITHDRAWN).count() == halts


def test_a_kill_file_halts_everything_also_beside_another_halt_and_again_when_resumed_too_early(account, tmp_path):
    halt_set(
        scope=HaltScope.GLOBAL,
        scope_key="",
        state=HaltState.HALTED,
        code="manual",
        reason="drill",
        actor="op@example.org",
    )
    heard(account, seconds_ago=0)
    (tmp_path / KILL_FILE).touch()
    for _ in range(2):
        assert "KILL" in guard_look(data_dir=tmp_path)[0]
        assert guard_look(data_dir=tmp_path) == []
        for halt in TradingHalt.objects.exclude(state=HaltState.ACTIVE):
            if halt.actor == "guard":
                halt_rearm_ask(halt=halt, reason="checked", actor="op@example.org")
            halt_resume(halt=halt, reason="checked", actor="ann")
    assert state_of(account) is HaltState.ACTIVE


def test_a_stop_that_is_not_proven_is_told_after_ten_seconds_and_every_five_again(account, tmp_path):
    heard(account, seconds_ago=0)
    an_epoch(account)
    halt = halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code="x", reason="drill", actor="op@example.org"
    )
    told = []
    for seconds in (5, 9, 10, 12, 15, 16, 20):
        KillSwitchEvent.objects.update(started_at=clock.now() - timedelta(seconds=seconds))
        told.append(bool(guard_look(data_dir=tmp_path)))
    assert told == [False, False, True, False, True, False, True]
    assert Alert.objects.filter(code="kill_incomplete", level="critical").count() == 3
    part = account_stop_begin(event=halt.events.get(), venue_account=account)
    account_stop_note(part=part, stuck=[], left_alone=0, is_gone=True, by="guard")
    KillSwitchEvent.objects.update(started_at=clock.now() - timedelta(seconds=60))
    assert guard_look(data_dir=tmp_path) == []


def test_a_stop_is_not_told_of_an_account_that_was_never_traded_but_of_one_that_nobody_has_taken_up(account, tmp_path):
    heard(account, seconds_ago=0)
    halt = halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code="x", reason="drill", actor="op@example.org"
    )
    KillSwitchEvent.objects.update(started_at=clock.now() - timedelta(seconds=60))
    assert guard_look(data_dir=tmp_path) == []
    an_epoch(account)
    other = an_account(account.user, venue=Venue.POLYMARKET)
    an_epoch(other)
    for each in (account, other):
        assert "INCOMPLETE" in guard_look(data_dir=tmp_path)[0]
        Alert.objects.all().delete()
        part = account_stop_begin(event=halt.events.get(), venue_account=each)
        account_stop_note(part=part, stuck=[], left_alone=0, is_gone=True, by="guard")
    assert guard_look(data_dir=tmp_path) == []
