"""The commands of an operator: doctor and halt."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from audit import triggers
from risk.models import HaltScope, HaltState
from risk.selectors import effective_state
from risk.services import halt_set

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


def test_a_command_halts_everything_and_another_resumes(capsys):
    call_command("halt", "--reason", "drill")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.HALTED
    call_command("halt", "--resume", "--reason", "the drill is over")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.ACTIVE
    assert capsys.readouterr().out.splitlines() == ["global is halted.", "global is active."]


@pytest.mark.parametrize("arguments", [("--scope", "user"), ("--scope", "venue", "--key", "Polymarkt")])
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_a_halt_of_nobody_is_refused_with_a_sentence_and_two(capsys, arguments, resume):
    with pytest.raises(SystemExit) as stop:
        call_command("halt", *arguments, *resume, "--reason", "drill")
    assert stop.value.code == 2
    assert capsys.readouterr().err.strip() in {"Say which user.", "There is no venue 'Polymarkt' to halt."}


def test_a_command_lifts_every_cause_of_its_scope_and_no_other_scope(capsys):
    for code in ("manual", "kill_file"):
        halt_set(scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code=code, reason="drill", actor="op")
    call_command("halt", "--scope", "venue", "--key", "KALSHI", "--reason", "drill")
    call_command("halt", "--resume", "--reason", "over")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.ACTIVE
    assert effective_state([(HaltScope.VENUE, "kalshi")]).state is HaltState.HALTED
