"""Named places on an order's path at which a process may die, so that tests can let it die there.

Story: the steps of an order are P1 decision … P14 take-over (docs of the order path); each border between two of them
carries a line `kill_point("P2.before_commit")`. Invariant: without an installed hook the line does nothing; a hook is
installed by tests in process, or by `install_from_environment` in a simulated deployment that asks for it by name.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ENV_POINT = "COURTSIDE_KILL_POINT"
"""`P2.before_commit` dies at the first hit, `P2.before_commit:3` at the third; `-` only counts."""
ENV_LOG = "COURTSIDE_KILL_LOG"
"""A file that gets one line for every hit, written and flushed before the death."""
ENV_SIGNAL = "COURTSIDE_KILL_SIGNAL"
"""What the process sends itself: SIGKILL, or SIGSTOP, after which another process may let it go on."""
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP}

KILL_POINTS = frozenset(
    {
        "P1.decided",
        "P2.before_claim",
        "P2.locked",
        "P2.after_checks",
        "P2.after_insert",
        "P2.after_reserve",
        "P2.before_commit",
        "P2.after_commit",
        "P2.denied_before_commit",
        "P2.claim_returned",
        "P3.after_sign",
        "P3.locked",
        "P3.before_commit",
        "P3.stored",
        "P3.gate_refused",
        "P4.before_send",
        "P6.refused_unsent",
        "P6.rejected",
        "P6.unanswered",
        "P6.answered",
        "P7.acknowledged_before_commit",
        "P7.rejected_before_commit",
        "P7.unsent_before_commit",
        "P7.unknown_before_commit",
        "P7.after_move",
        "P7.after_commit",
        "P8.report_taken",
        "P8.report_locked",
        "P8.report_before_commit",
        "P8.report_after_commit",
        "P8.external_adopted",
        "P9.locked",
        "P9.after_insert",
        "P9.after_position",
        "P9.after_cash",
        "P9.before_commit",
        "P9.after_commit",
        "P9.void_marked",
        "P9.void_after_cash",
        "P9.void_before_commit",
        "P9.adopted_before_commit",
        "P10.before_store",
        "P10.before_commit",
        "P10.before_send",
        "P11.unanswered",
        "P11.answered",
        "P12.proven",
        "P12.never_prepared",
        "P13.locked",
        "P13.after_insert",
        "P13.after_cash",
        "P13.before_commit",
        "P13.after_commit",
        "P14.before_lease",
        "P14.lease_before_commit",
        "P14.leased",
        "P14.before_fence",
        "P14.before_renewal",
        "P14.orders_read",
        "P14.fills_read",
        "P14.settlements_read",
        "P14.caught_up",
    }
)


class Crash(BaseException):
    """The process is dead from here on. No `except Exception` may hold it up."""


_hook: Callable[[str], None] | None = None


def kill_point(name: str) -> None:
    """Nothing, unless a hook is installed."""
    if _hook is not None:
        _hook(name)


def is_watched() -> bool:
    """Somebody waits for a point: what two of them lie between is done in two steps."""
    return _hook is not None


def install(hook: Callable[[str], None] | None) -> None:
    """Have `hook` called with the name of every point that is passed; None takes it away."""
    global _hook
    _hook = hook


def install_from_environment(*, mode: str) -> None:
    """Die at the point that the environment names. Raises ValueError for an unknown one, or where money is real."""
    wish = os.environ.get(ENV_POINT, "")
    if not wish:
        return
    name, _, nth = wish.partition(":")
    if mode != "simulated":
        raise ValueError(f"{ENV_POINT} is for simulated trading only; unset it.")
    if name != "-" and name not in KILL_POINTS:
        raise ValueError(f"{ENV_POINT} names no kill point: {name}. See core/kill_points.py.")
    deed = SIGNALS.get(os.environ.get(ENV_SIGNAL) or "SIGKILL")
    if deed is None:
        raise ValueError(f"{ENV_SIGNAL} is one of {', '.join(SIGNALS)}.")
    install(_Killer(name, int(nth or 1), deed, os.environ.get(ENV_LOG, "")))


class _Killer:
    """Counts hits, writes each down, and signals this process at the chosen one."""

    def __init__(self, name: str, nth: int, deed: signal.Signals, log: str) -> None:
        self._name = name
        self._nth = nth
        self._deed = deed
        self._log = Path(log) if log else None
        self._hits: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        self._hits[name] += 1
        if self._log is not None:
            with self._log.open("a", encoding="ascii") as log:
                log.write(f"{name}\n")
        if name == self._name and self._hits[name] == self._nth:
            os.kill(os.getpid(), self._deed)
