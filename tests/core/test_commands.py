"""The commands of an operator: doctor and halt."""

from __future__ import annotations

import getpass
from contextlib import nullcontext

import pytest
from django.core.management import call_command

from accounts.models import User
from audit import triggers
from risk.models import HaltScope, HaltState, KillSwitchEvent
from risk.selectors import effective_state
from risk.services import halt_set
from tests.builders import an_account
from tests.swapped import swapped

pytestmark = pytest.mark.django_db


def test_the_doctor_finds_a_whole_system_well(capsys):
    triggers.install_after_migrate(using="default")
    call_command("doctor")
    out = capsys.readouterr().out
    assert "every migration is applied" in out and "BAD" not in out


def test_the_doctor_says_what_is_wrong_and_exits_with_two(capsys):
    with pytest.raises(SystemExit) as stop:
        call_command("doctor")
    assert stop.value.code == 2
    assert "audit.E001" in capsys.readouterr().out


def test_a_command_halts_everything_and_another_person_resumes(capsys):
    User.objects.create_superuser("op@example.org", "a long enough password")
    call_command("halt", "--reason", "drill")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.HALTED
    with pytest.raises(SystemExit):
        call_command("halt", "--resume", "--reason", "the drill is over")
    for typed, is_over in (("wrong", False), ("a long enough password", True)):
        answer = nullcontext() if is_over else pytest.raises(SystemExit)
        with swapped(getpass, "getpass", lambda _, typed=typed: typed), answer:
            call_command("halt", "--resume", "--reason", "the drill is over", "--as", "op@example.org")
        assert (effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.ACTIVE) is is_over
    call_command("halt", "--list")
    assert capsys.readouterr().out.splitlines() == ["global is halted.", "global is active.", "Nothing is halted."]


def test_what_the_guard_halted_is_asked_for_by_one_person_and_confirmed_by_another(capsys):
    User.objects.create_superuser("op@example.org", "a long enough password")
    halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code="kill_file", reason="file", actor="guard"
    )
    with swapped(getpass, "getpass", lambda _: "a long enough password"):
        call_command("halt", "--resume", "--reason", "looked", "--as", "op@example.org")
        assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.HALTED
        with pytest.raises(SystemExit):
            call_command("halt", "--resume", "--reason", "looked", "--as", "op@example.org")
    call_command("halt", "--resume", "--reason", "I looked, too")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.ACTIVE
    assert KillSwitchEvent.objects.get().rearm_asked_by == "op@example.org"
    assert "Asked." in capsys.readouterr().out


def test_waiting_for_what_nobody_does_ends_with_three_and_says_so(capsys):
    an_account()
    with pytest.raises(SystemExit) as stop:
        call_command("halt", "--reason", "drill", "--wait", "0")
    assert stop.value.code == 3
    told = capsys.readouterr()
    assert "No account has answered yet." in told.out and "NOT PROVEN" in told.err


@pytest.mark.parametrize("arguments", [("--scope", "user"), ("--scope", "venue", "--key", "Polymarkt")])
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_a_halt_of_nobody_is_refused_with_a_sentence_and_two(capsys, arguments, resume):
    with pytest.raises(SystemExit) as stop:
        call_command("halt", *arguments, *resume, "--reason", "drill")
    assert stop.value.code == 2
    assert capsys.readouterr().err.strip() in {"Say which user.", "There is no venue 'Polymarkt' to halt."}


def test_a_command_lifts_every_cause_of_its_scope_and_no_other_scope(capsys):
    for code in ("manual", "daily_loss"):
        halt_set(
            scope=HaltScope.GLOBAL,
            scope_key="",
            state=HaltState.HALTED,
            code=code,
            reason="drill",
            actor="op@example.org",
        )
    call_command("halt", "--scope", "venue", "--key", "KALSHI", "--reason", "drill")
    call_command("halt", "--resume", "--reason", "over")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.ACTIVE
    assert effective_state([(HaltScope.VENUE, "kalshi")]).state is HaltState.HALTED
