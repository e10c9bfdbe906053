"""`python -m tests.bench.stop`: how long after a trigger does the last new order arrive at the venue?

Processes as in production: a guard (`manage.py guard`), twenty senders past the permit's gate, and here a server that
notes each arrival. Triggers over all paths in turns; CLOCK_MONOTONIC is the host's, so the times of all processes
compare. Then fifty resting orders are stopped on the simulated venues: first cancel, and proof that nothing is left.
Goals: last arrival at most 100 ms after any trigger; first cancel within 250 ms; proven gone within 2 s.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import django

from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.asgi_server import AppServer

GOAL_MS = 100.0
QUIET_S = 0.3
FLOWING = 10
PATIENCE_S = 60.0


class Arrivals:
    """The venue: answers every order and remembers when it came (ns, CLOCK_MONOTONIC)."""

    def __init__(self) -> None:
        self.count = 0
        self.last_ns = 0

    def take(self, request: Request) -> Reply:
        self.last_ns = time.monotonic_ns()
        self.count += 1
        return json_reply({})


class Paths:
    """Ways to stop, each a function that returns when it has pulled its trigger; `lift` undoes all of them."""

    def __init__(self, data_dir: Path, guard: subprocess.Popen[bytes]) -> None:
        from django.conf import settings

        self._data_dir, self._guard = data_dir, guard
        self.all: dict[str, Callable[[], None]] = {
            "halt row alone": self.row,
            "manage.py halt, API, page": self.halt,
            "KILL file": (data_dir / "KILL").touch,
            "guard's socket": self.socket,
            "guard stopped": self.freeze,
        }
        if settings.REDIS_URL:
            self.all["Redis"] = self.redis

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

    def socket(self) -> None:
        from trading.engine.announcing import tell_guard

        assert tell_guard("kill bench", data_dir=self._data_dir)

    def redis(self) -> None:
        from trading.engine.announcing import publish

        assert publish("kill bench")

    def freeze(self) -> None:
        self._guard.send_signal(signal.SIGSTOP)

    def lift(self) -> None:
        from risk.models import TradingHalt

        self._guard.send_signal(signal.SIGCONT)
        (self._data_dir / "KILL").unlink(missing_ok=True)
        TradingHalt.objects.exclude(state="active").update(state="active")


async def measure(triggers: int, data_dir: Path) -> bool:
    arrivals, router = Arrivals(), Router()
    router.route("POST", "/orders", arrivals.take)
    server = AppServer(router)
    await server.start()
    times: dict[str, list[float]] = defaultdict(list)
    with process("manage.py", "guard") as guard, sender(f"http://127.0.0.1:{server.port}", data_dir):
        paths = Paths(data_dir, guard)
        names = list(paths.all)
        for number in range(triggers):
            name = names[number % len(names)]
            await flowing(arrivals, paths)
            began_ns = time.monotonic_ns()
            await asyncio.to_thread(paths.all[name])
            await quiet(arrivals)
            times[name].append(max(0, arrivals.last_ns - began_ns) / 1e6)
            if number % 100 == 0:
                print(f"trigger {number + 1} of {triggers}: {times[name][-1]:.1f} ms", file=sys.stderr, flush=True)
    await server.stop()
    print(f"last order's arrival after the trigger, ms ({arrivals.count:,} orders arrived in all)")
    print(f"{'path':<28}{'triggers':>9}{'p50':>8}{'p99':>8}{'max':>8}")
    everything = [ms for each in times.values() for ms in each]
    for name, each in [*times.items(), ("all", everything)]:
        print(f"{name:<28}{len(each):>9}{rank(each, 0.5):>8.1f}{rank(each, 0.99):>8.1f}{max(each):>8.1f}")
    return max(everything) <= GOAL_MS


async def flowing(arrivals: Arrivals, paths: Paths) -> None:
    """Lift everything until orders flow again: the guard may just be writing a halt down."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        await asyncio.to_thread(paths.lift)
        before = arrivals.count
        await asyncio.sleep(0.15)
        if arrivals.count - before >= FLOWING:
            return
        assert time.monotonic() < deadline, "no order flows: does the guard run?"


async def quiet(arrivals: Arrivals) -> None:
    deadline = time.monotonic() + PATIENCE_S
    since, seen = time.monotonic(), arrivals.count
    while time.monotonic() - since < QUIET_S:
        await asyncio.sleep(0.005)
        if arrivals.count != seen:
            since, seen = time.monotonic(), arrivals.count
        assert time.monotonic() < deadline, "orders go on after the trigger"


async def fifty(data_dir: Path) -> bool:
    """Fifty resting orders, one halt of everything, and what its receipt says."""
    from risk.models import HaltScope, HaltState
    from risk.services import halt_set
    from tests.trading.engine.stand import IDLE, standing
    from trading.engine.permit import FilePermit
    from venues.types import TimeInForce, Venue

    with process("manage.py", "guard"):
        async with standing(data_dir, settings=IDLE, seed=7, speed=10.0, games=4) as stand:
            await stand.start_engine(permit=FilePermit(data_dir))
            await stand.database.call(_no_limits)
            market = await stand.market(Venue.KALSHI)
            resting = 0
            while resting < 50:
                command = await stand.submit(
                    market, price_u=10_000 + 10_000 * (resting % 5), time_in_force=TimeInForce.GTC
                )
                resting += (await stand.row(command)).status == "open"
            words = {"code": "manual", "reason": "bench", "actor": "bench"}
            await stand.database.call(halt_set, scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, **words)
            deadline = time.monotonic() + PATIENCE_S
            while not (part := await stand.database.call(_part)) or part.proven_gone_at is None:
                assert time.monotonic() < deadline, "not proven gone"
                await asyncio.sleep(0.02)
    started = part.event.started_at
    first_ms = (part.first_cancel_at - started).total_seconds() * 1_000
    gone_s = (part.proven_gone_at - started).total_seconds()
    print(f"{part.orders_open} resting orders: first cancel after {first_ms:.0f} ms, proven gone after {gone_s:.2f} s")
    return first_ms <= 250 and gone_s <= 2.0


def _no_limits() -> None:
    from risk.models import AccountLimits

    AccountLimits.objects.update(max_open_orders=1_000)


def _part() -> object:
    from risk.models import KillSwitchPart

    return KillSwitchPart.objects.select_related("event").filter(venue_account__venue="kalshi").first()


@contextlib.contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.terminate()
        running.wait(30)


def sender(url: str, data_dir: Path) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    return process("-m", "tests.bench.stop_sender", url, str(data_dir))


def rank(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stop", description=__doc__)
    parser.add_argument("--triggers", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "COURTSIDE_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        is_quick = asyncio.run(measure(given.triggers, Path(folder)))
        is_gone = asyncio.run(fifty(Path(folder)))
    print(f"goals (100 ms; 250 ms and 2 s): {'PASS' if is_quick else 'MISSED'}, {'PASS' if is_gone else 'MISSED'}")
    return 0 if is_quick and is_gone else 1


if __name__ == "__main__":
    sys.exit(main())
