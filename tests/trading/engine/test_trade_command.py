"""`manage.py trade`: who it makes to log in as, and what it says when the simulated venues are not there."""

from __future__ import annotations

import socket
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from accounts.demo import DEMO_EMAIL
from accounts.models import User
from tests.swapped import swapped
from trading.engine import simulation
from trading.models import DesiredState, TraderState


@pytest.mark.parametrize(("mode", "users"), [("simulated", 1), ("paper", 0)])
def test_demo_makes_somebody_to_log_in_as_whose_trader_runs_in_simulated_mode_only(
    shared_database: None, tmp_path: Path, mode: str, users: int
):
    out, said = StringIO(), StringIO()
    places = {"DATA_DIR": tmp_path, "SIMULATOR_PORT": nobodys_port(), "PAPER_DATA": "simulated"}
    with (
        override_settings(TRADING_MODE=mode, **places),
        swapped(simulation, "PATIENCE_S", 0.1),
        pytest.raises(SystemExit) as ended,
    ):
        call_command("trade", "--demo", stdout=out, stderr=said)
    assert ended.value.code == 2 and "python -m venues.simulator" in said.getvalue()
    assert TraderState.objects.filter(user__email=DEMO_EMAIL, desired=DesiredState.RUNNING).count() == users
    for user in User.objects.filter(email=DEMO_EMAIL):
        password = (tmp_path / "demo.password").read_text()
        assert user.check_password(password) and password not in out.getvalue()


def nobodys_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
