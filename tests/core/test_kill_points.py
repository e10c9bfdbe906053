"""The points at which a process may be let die: every one is on the order path, and none does anything by itself."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core import kill_points
from core.kill_points import KILL_POINTS, Crash, install, install_from_environment, kill_point
from tests.house.tree import program


def calls() -> Counter[str]:
    found: Counter[str] = Counter()
    for module in program():
        for node in module.of(ast.Call):
            assert isinstance(node, ast.Call)
            if isinstance(node.func, ast.Name) and node.func.id == "kill_point":
                (name,) = node.args
                assert isinstance(name, ast.Constant) and isinstance(name.value, str), module.at(node, "not a literal")
                found[name.value] += 1
    return found


def test_there_are_at_least_forty_and_every_one_is_placed():
    assert len(KILL_POINTS) >= 40
    assert set(calls()) == KILL_POINTS


def test_a_hook_hears_every_point_until_it_is_taken_away():
    heard: list[str] = []
    install(heard.append)
    try:
        kill_point("P1.decided")
    finally:
        install(None)
    kill_point("P1.decided")
    assert heard == ["P1.decided"]


def test_a_crash_is_not_held_up_by_those_who_catch_exceptions():
    assert not issubclass(Crash, Exception)


def test_only_a_simulated_deployment_can_be_told_to_die(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(kill_points.ENV_POINT, "P1.decided")
    with pytest.raises(ValueError, match="simulated"):
        install_from_environment(mode="live")
    monkeypatch.setenv(kill_points.ENV_POINT, "P1.nonsense")
    with pytest.raises(ValueError, match="nonsense"):
        install_from_environment(mode="simulated")
    monkeypatch.setenv(kill_points.ENV_POINT, "P1.decided")
    monkeypatch.setenv(kill_points.ENV_SIGNAL, "SIGHUP")
    with pytest.raises(ValueError, match="SIGSTOP"):
        install_from_environment(mode="simulated")


def test_a_process_dies_at_the_chosen_hit_and_leaves_a_line_for_each(tmp_path: Path):
    script = (
        "from core.kill_points import install_from_environment as install, kill_point as hit; "
        "install(mode='simulated'); hit('P1.decided'); hit('P4.before_send'); hit('P1.decided'); print('lives')"
    )
    log = tmp_path / "hits"
    environment = {kill_points.ENV_POINT: "P1.decided:2", kill_points.ENV_LOG: str(log)}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9 and not done.stdout, done.stderr
    assert log.read_text("ascii").split() == ["P1.decided", "P4.before_send", "P1.decided"]


def test_a_process_may_stop_instead_and_go_on_when_it_is_let():
    script = (
        "from core.kill_points import install_from_environment as install, kill_point as hit; "
        "install(mode='simulated'); hit('P4.before_send'); print('lives')"
    )
    environment = {kill_points.ENV_POINT: "P4.before_send", kill_points.ENV_SIGNAL: "SIGSTOP"}
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", script], cwd=root, env=environment, stdout=subprocess.PIPE)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP
    process.send_signal(signal.SIGCONT)
    told, _ = process.communicate()
    assert told == b"lives\n" and process.returncode == 0
