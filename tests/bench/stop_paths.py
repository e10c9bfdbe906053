"""Every way to stop: each returns when it has pulled its trigger, and `lift` undoes all of them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench.proxy import Proxy

ASLEEP_S = 0.15
"""How long the senders sleep from the trigger on: longer than any order may be late."""


class Paths:
    """`silent`: what can fall silent, by the setting that names it."""

    def __init__(
        self,
        data_dir: Path,
        *,
        guard: subprocess.Popen[bytes],
        senders: subprocess.Popen[bytes],
        silent: Mapping[str, Proxy],
    ) -> None:
        self._data_dir, self._guard, self._senders, self._silent = data_dir, guard, senders, silent
        self.all: dict[str, Callable[[], None]] = {
            "halt row alone": self.row,
            "manage.py halt, API, page": self.halt,
            "manage.py halt without a database": self.blind,
            "KILL file": (data_dir / "KILL").touch,
            "guard's socket": self.socket,
            "permit lost: guard stopped": self.stop_guard,
            "halt while the senders sleep": self.asleep,
        }
        if "DATABASE_URL" in silent:
            self.all["permit lost: database silent"] = silent["DATABASE_URL"].freeze
        if "REDIS_URL" in silent:
            self.all["Redis"] = self.redis
            self.all["halt, Redis silent"] = self.without_redis

    def row(self) -> None:
        """The row and nothing else: no guard is told, the permit is not revoked."""
        from risk.models import TradingHalt

        TradingHalt.objects.update_or_create(
            scope="venue", scope_key="kalshi", code="bench", defaults={"state": "halted", "reason": "bench"}
        )

    def halt(self) -> None:
        from risk.models import HaltScope, HaltState
        from risk.services import halt_set

        venue, halted = HaltScope.VENUE, HaltState.HALTED
        halt_set(scope=venue, scope_key="kalshi", state=halted, code="manual", reason="bench", actor="bench")

    def blind(self) -> None:
        from trading.engine.announcing import stop_everything

        assert "permit" in stop_everything(reason="bench", data_dir=self._data_dir)

    def socket(self) -> None:
        from trading.engine.announcing import tell_guard

        assert tell_guard("kill bench", data_dir=self._data_dir)

    def redis(self) -> None:
        from trading.engine.announcing import publish

        assert publish("kill bench")

    def without_redis(self) -> None:
        self._silent["REDIS_URL"].freeze()
        self.halt()

    def stop_guard(self) -> None:
        self._guard.send_signal(signal.SIGSTOP)

    def asleep(self) -> None:
        """They wake up when the halt is long in force: what they had decided must not leave any more."""
        self._senders.send_signal(signal.SIGSTOP)
        self.halt()
        time.sleep(ASLEEP_S)
        self._senders.send_signal(signal.SIGCONT)

    def lift(self) -> None:
        from risk.models import TradingHalt

        for proxy in self._silent.values():
            proxy.thaw()
        for process in (self._guard, self._senders):
            process.send_signal(signal.SIGCONT)
        (self._data_dir / "KILL").unlink(missing_ok=True)
        TradingHalt.objects.exclude(state="active").update(state="active")
