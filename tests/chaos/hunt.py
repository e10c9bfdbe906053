"""`python -m tests.chaos.hunt --seed 7 --runs 500`: for each known-bad trader, the seed that gave it away and by what.

The exit code is 1 when one of them was not caught.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

import django


class Caught(NamedTuple):
    """`seed` None: nothing was noticed in any of the seeds."""

    name: str
    seed: int | None
    codes: tuple[str, ...]
    unreached: frozenset[str] = frozenset()
    """What was patched and never called, where nothing was noticed."""


def caught(name: str, seeds: Iterable[int]) -> Caught:
    """Play the variant until an invariant is broken."""
    from tests.chaos.run import Run
    from tests.chaos.variants import known_bad, unreached

    for seed in seeds:
        with known_bad()[name].patch():
            findings = Run(seed).play().findings
        if findings:
            return Caught(name, seed, tuple(dict.fromkeys(found.code for found in findings)))
    return Caught(name, None, (), frozenset(unreached()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.hunt", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="the first seed")
    parser.add_argument("--runs", type=int, default=500, help="how many seeds a variant may survive")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--only", nargs="*", default=[], metavar="VARIANT")
    given = parser.parse_args()
    django.setup()
    from tests.chaos.stage import image
    from tests.chaos.variants import known_bad

    image()
    began, escaped = time.monotonic(), 0
    names = [name for name in known_bad() if not given.only or name in given.only]
    print(f"{'variant':<26} {'seed':>5} {'runs':>5}  broken")
    with multiprocessing.get_context("fork").Pool(given.workers, maxtasksperchild=1) as pool:
        hunts = [pool.apply_async(caught, (name, range(given.seed, given.seed + given.runs))) for name in names]
        for hunt in hunts:
            found = hunt.get()
            escaped += found.seed is None
            print(line(found, first=given.seed), flush=True)
    print(f"\n{len(names) - escaped} of {len(names)} variants caught in {time.monotonic() - began:.1f} s")
    return 1 if escaped else 0


def line(found: Caught, *, first: int) -> str:
    if found.seed is None:
        never_run = f", and never run: {' '.join(sorted(found.unreached))}" if found.unreached else ""
        return f"{found.name:<26}     -     -  never caught{never_run}"
    return f"{found.name:<26} {found.seed:>5} {found.seed - first + 1:>5}  {' '.join(found.codes)}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(main())
