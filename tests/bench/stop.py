"""`python -m tests.bench.stop`: how long after a trigger does the last new order arrive at the venue?

Processes as in production: a guard (`manage.py guard`), twenty senders past the permit's gate, and here a server that
notes each arrival. Triggers over all paths in turns, some with Redis or the database silent or the senders asleep;
CLOCK_MONOTONIC is the host's, so the times of all processes compare. First fifty resting orders are stopped on the
simulated venues: first cancel to arrive, and proof that nothing is left. DATABASE_URL (PostgreSQL, an empty database)
and REDIS_URL add the paths that need them. Goals: last arrival at most 100 ms after any trigger; first cancel within
250 ms; proven gone within 2 s.
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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django

from tests.bench.proxy import Proxy
from tests.bench.stop_paths import Paths
from tests.bench.stop_sender import HELD_FILE
from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.asgi_server import AppServer

GOAL_MS = 100.0
FIRST_CANCEL_GOAL_MS, GONE_GOAL_S = 250.0, 2.0
QUIET_S = 0.3
FLOWING = 10
PATIENCE_S = 60.0
RESTING = 50
VALID_NS = 80_000_000
"""How long what the guard read before the trigger still counts (`trading.engine.permit`)."""


class Arrivals:
    """The venue: answers every order and remembers when it came (ns, CLOCK_MONOTONIC)."""

    def __init__(self) -> None:
        self.count = 0
        self.last_ns = 0

    def take(self, request: Request) -> Reply:
        self.last_ns = time.monotonic_ns()
        self.count += 1
        return json_reply(self.last_ns)


async def measure(triggers: int, data_dir: Path, silent: dict[str, Proxy], *, named: str) -> bool:
    arrivals, router = Arrivals(), Router()
    router.route("POST", "/orders", arrivals.take)
    server = AppServer(router)
    await server.start()
    times: dict[str, list[float]] = defaultdict(list)
    late: dict[int, int] = {}
    with process("manage.py", "guard") as guard, sender(f"http://127.0.0.1:{server.port}", data_dir) as senders:
        paths = Paths(data_dir, guard=guard, senders=senders, silent=silent)
        names = [name for name in paths.all if named in name]
        assert names, f"no path is named {named!r}: {', '.join(paths.all)}"
        for number in range(triggers):
            name = names[number % len(names)]
            await flowing(arrivals, paths)
            began_ns = time.monotonic_ns()
            await asyncio.to_thread(paths.all[name])
            await quiet(arrivals)
            times[name].append(max(0, arrivals.last_ns - began_ns) / 1e6)
            if times[name][-1] > GOAL_MS:
                late[arrivals.last_ns] = began_ns
            if number % 100 == 0:
                print(f"trigger {number + 1} of {triggers}: {times[name][-1]:.1f} ms", file=sys.stderr, flush=True)
        await asyncio.to_thread(paths.lift)
    await server.stop()
    is_quick = tell(times, arrivals.count)
    print(f"of these stopped between their last look and the system call: {held_back(data_dir, late)}", flush=True)
    return is_quick


def held_back(data_dir: Path, late: Mapping[int, int]) -> int:
    """Of the late orders (when they arrived, and when the trigger had been pulled), those that the gate let pass when
    the permit of before the trigger was still valid: the rest were let pass too late."""
    lines = (data_dir / HELD_FILE).read_text("ascii").splitlines()
    looked = {int(arrived_ns): int(looked_ns) for looked_ns, arrived_ns in (line.split() for line in lines)}
    return sum(looked.get(arrived_ns, arrived_ns) <= began_ns + VALID_NS for arrived_ns, began_ns in late.items())


def tell(times: dict[str, list[float]], arrived: int) -> bool:
    everything = [ms for each in times.values() for ms in each]
    late = sum(ms > GOAL_MS for ms in everything)
    print(f"last order's arrival after the trigger, ms ({arrived:,} orders arrived in all; load {load()})")
    print(f"{'path':<34}{'triggers':>9}{'min':>8}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, each in [*times.items(), ("all", everything)]:
        told = "".join(f"{ms:>8.1f}" for ms in (min(each), rank(each, 0.5), rank(each, 0.99), max(each)))
        print(f"{name:<34}{len(each):>9}{told}")
    print(f"later than {GOAL_MS:.0f} ms: {late} of {len(everything)}", flush=True)
    return not late


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


async def fifty(data_dir: Path, *, times: int) -> bool:
    """Fifty resting orders, one halt of everything, and what the venue saw and the receipt says; some times over."""
    from tests.bench.stop_resting import stop_fifty

    with process("manage.py", "guard"):
        seen = [await stop_fifty(data_dir, count=RESTING) for _ in range(times)]
    first, gone = sorted(one for one, _ in seen), sorted(one for _, one in seen)
    print(f"{RESTING} resting orders stopped, {times} times (load {load()}): min, median, max")
    print(f"  first cancel arrives after {first[0]:.0f}, {rank(first, 0.5):.0f}, {first[-1]:.0f} ms")
    print(f"  all proven gone after {gone[0]:.2f}, {rank(gone, 0.5):.2f}, {gone[-1]:.2f} s", flush=True)
    return first[-1] <= FIRST_CANCEL_GOAL_MS and gone[-1] <= GONE_GOAL_S


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


def load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


def behind_proxies(stack: ExitStack) -> dict[str, Proxy]:
    """From here on, for this process and all that it starts, PostgreSQL and Redis are behind something silenceable."""
    silent = {}
    for name in ("DATABASE_URL", "REDIS_URL"):
        place = urlsplit(os.environ.get(name, ""))
        if place.scheme.startswith(("postgres", "redis")) and place.hostname:
            proxy = stack.enter_context(Proxy(place.hostname, place.port or (5432 if "p" in place.scheme else 6379)))
            who = place.netloc.rpartition("@")[0]
            near = f"{who}@127.0.0.1:{proxy.port}" if who else f"127.0.0.1:{proxy.port}"
            os.environ[name] = urlunsplit(place._replace(netloc=near))
            silent[name] = proxy
    return silent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stop", description=__doc__)
    parser.add_argument("--triggers", type=int, default=1_000)
    parser.add_argument("--fifties", type=int, default=3, help="how often fifty resting orders are stopped")
    parser.add_argument("--path", default="", help="only the paths with this in their name")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        silent = behind_proxies(stack)
        os.environ |= {
            "COURTSIDE_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        is_gone = asyncio.run(fifty(Path(folder), times=given.fifties)) if given.fifties else True
        is_quick = True
        if given.triggers:
            is_quick = asyncio.run(measure(given.triggers, Path(folder), silent, named=given.path))
    print(f"goals (100 ms; 250 ms and 2 s): {'PASS' if is_quick else 'MISSED'}, {'PASS' if is_gone else 'MISSED'}")
    return 0 if is_quick and is_gone else 1


if __name__ == "__main__":
    sys.exit(main())
