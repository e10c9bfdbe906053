"""`python -m tests.kill --runs 50`: real processes, killed at named points of an order's way, and the reckoning.

Each run has a database (PostgreSQL where DATABASE_URL names one, else SQLite; a server of its own where one can be
started, which then is killed as well), simulated venues, guard, Redis, worker
and trader of its own. A line each; then how often each kill point was died at, who else died, and the totals. Exit
code 1 at any violation.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import msgspec

from core.kill_points import KILL_POINTS
from tests.kill.database import ROOT, Template
from tests.kill.deployment import REDIS, redis_url
from tests.kill.plan import DEATHS, RunPlan, plans
from tests.kill.result import Result
from tests.kill.run import Orders
from tests.kill.server import ServerTemplate, programs

AnyTemplate = Template | ServerTemplate
RUN_WITHIN_S = 600.0
COUNTED = {
    "orders": "orders at the venues",
    "fills": "fills",
    "settlements": "settlements",
    "cut_off": "orders without an answer at a death",
    "arrived_never": "of these never at a venue",
    "messages": "outbox messages delivered",
    "comparisons": "comparisons asked for and done",
    "lost": "lost",
    "doubled": "doubled",
    "unaudited": "unaudited",
}


def main() -> int:
    given = _arguments()
    began = time.monotonic()
    results = []
    with _folder(given.keep) as folder, migrated(Path(folder)) as template:
        beside = "with Redis and a worker" if REDIS else "without a worker, for want of a redis-server"
        print(f"{given.runs} runs on {template.vendor} {beside}, seed {given.seed}", flush=True)
        for result in _played(given, template, Path(folder)):
            results.append(result)
            print(line(result), flush=True)
    tell(results, seconds=time.monotonic() - began)
    return 0 if all(result.is_good for result in results) else 1


@contextmanager
def migrated(folder: Path) -> Iterator[AnyTemplate]:
    """A server of its own, which can be killed, where PostgreSQL is asked for and its programs are installed."""
    url = os.environ.get("DATABASE_URL", "")
    is_server = url.startswith("postgres")
    template = ServerTemplate(folder) if is_server and programs() else Template(folder, server=url if is_server else "")
    try:
        template.make()
        yield template
    finally:
        template.drop()


def play(plan: RunPlan, *, template: AnyTemplate, folder: Path) -> Result:
    """In a process of its own, which has the run's settings. Raises nothing: what goes wrong is a finding."""
    home = folder / f"run-{plan.number}"
    home.mkdir()
    with template.copy(home, plan.number) as url:
        own = {"DATABASE_URL": url, "COURTSIDE_DATA_DIR": str(home), "DJANGO_SETTINGS_MODULE": "config.settings"}
        environment = {
            **os.environ,
            **own,
            "REDIS_URL": redis_url(home),
            "TRADING_MODE": "simulated",
            "LOG_LEVEL": "WARNING",
        }
        asked = msgspec.json.encode(Orders(plan, str(home), environment))
        command = [sys.executable, "-m", "tests.kill.run"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, input=asked, capture_output=True, timeout=RUN_WITHIN_S, check=False
        )
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace")[-2_000:]
            return Result(number=plan.number, seed=plan.seed, findings=[f"the run itself failed: {words}"])
        return msgspec.json.decode(done.stdout, type=Result)


def line(result: Result) -> str:
    """What a run came to, on one line; below it what was broken."""
    points = ", ".join([*result.died, *(f"stopped at {name}" for name in result.stopped)])
    points += "".join(f" + {name}" for name in result.others)
    points += f" (not passed: {', '.join(result.missed)})" if result.missed else ""
    told = (
        f"run {result.number:>3}  {result.orders:>4} orders  {result.fills:>4} fills  {result.settlements:>3} settled  "
        f"{'good' if result.is_good else 'BROKEN'}  {result.seconds:>5.0f} s  {points}"
    )
    return told + "".join(f"\n    {words}" for words in result.findings[:8])


def tell(results: list[Result], *, seconds: float) -> None:
    died, stopped, passed = Counter[str](), Counter[str](), Counter[str]()
    for result in results:
        died.update(result.died)
        stopped.update(result.stopped)
        passed.update(result.passed)
    print(f"\n{'kill point':<32}{'deaths':>8}{'passed':>10}")
    for name in sorted(KILL_POINTS):
        print(f"{name:<32}{died[name]:>8}{passed[name]:>10}")
    print(f"\n{died.total()} deaths at {len(died)} of {len(KILL_POINTS)} points; {len(passed)} points were passed")
    back = sorted(seconds for result in results for seconds in result.back_s)
    if back:
        print(f"back after a start: min {back[0]:.1f} s, median {back[len(back) // 2]:.1f} s, max {back[-1]:.1f} s")
    print(f"{stopped.total()} stops: " + ", ".join(f"{name} {count}" for name, count in sorted(stopped.items())))
    others = sum((Counter(result.others) for result in results), Counter[str]())
    print("others died: " + (", ".join(f"{name} {count}" for name, count in others.most_common()) or "none"))
    for name, words in COUNTED.items():
        print(f"{words:<44}{sum(getattr(result, name) for result in results):>8}")
    broken = [str(result.number) for result in results if not result.is_good]
    print(f"{len(results)} runs in {seconds / 60:.1f} min, load {os.getloadavg()[0]:.1f}")
    print("broken runs: " + (" ".join(broken) or "none"))


def _played(given: argparse.Namespace, template: AnyTemplate, folder: Path) -> Iterator[Result]:
    with ThreadPoolExecutor(given.workers) as pool:
        asked = plans(given.runs, seed=given.seed, deaths=given.deaths)
        yield from pool.map(partial(play, template=template, folder=folder), asked)


def _folder(keep: str) -> AbstractContextManager[str]:
    if not keep:
        return tempfile.TemporaryDirectory(prefix="courtside-kill-")
    Path(keep).mkdir(parents=True)
    return nullcontext(keep)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--deaths", type=int, default=DEATHS, help="in each run (default %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="runs at the same time (default %(default)s)")
    parser.add_argument(
        "--keep", default="", help="a new folder for logs and files of all runs (default: none is kept)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
