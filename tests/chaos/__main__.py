"""`python -m tests.chaos --seed 7 --runs 500`: seeded runs one after the other, a line each, and the reckoning.

Two processes share the seeds. The exit code is 1 when anything that must hold was broken.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

import django

from tests.chaos.result import Result

_WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def main() -> int:
    given = _arguments()
    django.setup()
    from tests.chaos.stage import image

    image()
    began = time.monotonic()
    results = []
    for result in _played(range(given.seed, given.seed + given.runs), workers=given.workers, repeat=given.twice):
        results.append(result)
        print(line(result), flush=True)
    _tell(results, seconds=time.monotonic() - began)
    return 1 if any(result.findings for result in results) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="the first seed")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--twice", action="store_true", help="play every seed twice and compare the digests")
    return parser.parse_args()


def _played(seeds: Iterable[int], *, workers: int, repeat: bool) -> Iterator[Result]:
    """In the order of the seeds. The database image is inherited by the fork."""
    play = _play_twice if repeat else _play
    if workers <= 1:
        yield from map(play, seeds)
        return
    # A worker ends before what it never collects (two megabytes a run) amounts to anything.
    with multiprocessing.get_context("fork").Pool(workers, initializer=gc.disable, maxtasksperchild=100) as pool:
        yield from pool.imap(play, seeds)
        pool.close()
        pool.join()  # only then their CPU time is known


def _play(seed: int) -> Result:
    from tests.chaos.run import Run

    return Run(seed).play()


def _play_twice(seed: int) -> Result:
    from trading.selectors.invariants import Violation

    first, second = _play(seed), _play(seed)
    if first.digest != second.digest:
        first.findings.append(Violation("DIGEST", f"seed {seed}: {first.digest} and then {second.digest}"))
    return first


def line(result: Result) -> str:
    """What a run came to, on one line; below it what was broken."""
    told = (
        f"seed {result.seed:>5}  {result.orders:>3} orders  {result.fills:>3} fills  "
        f"{sum(result.faults.values()):>3} faults  {sum(result.deaths.values()):>2} deaths  {result.digest}"
    )
    broken = "".join(f"\n    {found}" for found in result.findings[:5])
    return told + broken


def _cpu_s() -> float:
    """Of this process and of those that it waited for."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, _WHOSE))


def _tell(results: list[Result], *, seconds: float) -> None:
    from core.kill_points import KILL_POINTS
    from tests.chaos.checks import APPLY

    found = Counter(one.code for result in results for one in result.findings)
    faults = sum((result.faults for result in results), Counter[str]())
    deaths = sum((result.deaths for result in results), Counter[str]())
    passed = sum((result.points for result in results), Counter[str]())
    orders = sum(result.orders for result in results)
    told = f"{len(results)} runs, {orders} orders, {sum(faults.values())} faults"
    print(f"\n{told} in {seconds:.1f} s ({_cpu_s():.1f} s of CPU)")
    print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    froze = sum((result.freezes for result in results), Counter[str]())
    print(f"kill points: {sum(deaths.values())} deaths at {len(deaths)} of {len(KILL_POINTS)} points,", end=" ")
    print(f"{sum(froze.values())} freezes at {len(froze)}")
    if never := sorted(KILL_POINTS - passed.keys()):
        print("never passed: " + ", ".join(never))
    print(f"left to a person: {sum(result.judged for result in results)} orders without fence or end, lost")
    print("violations:")
    for code in sorted({*APPLY, *found}):
        print(f"    {code:<9} {found[code]}")
    print("broken in seeds: " + (" ".join(str(one.seed) for one in results if one.findings) or "none"))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(main())
