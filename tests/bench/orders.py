"""`python -m tests.bench.orders`: how long an order, a fill and a recovery take at venues that reply after 100 ms.

One process: simulated venues on sockets, an engine beside them, its database (SQLite, or an empty one that DATABASE_URL
names). Placement: from the session's command to the answer written down. Detection: from the execution at the venue to
the fill in our books and in the session's mind. Recovery: orders at rest at both venues, a killed engine, half of them
canceled behind its back; from the next start to an account that was taken over, read and compared. Goals: placement
within 150 ms beyond the venue's own time (limit 2 s), detection within 5 s, recovery within 20 s. What a process needs
to start comes on top.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.bench.stop import load, rank

if TYPE_CHECKING:
    from tests.bench.orders_stage import Measured

REPLY_MS = 100
PLACED_GOAL_MS, PLACED_LIMIT_MS = REPLY_MS + 150.0, 2_000.0
DETECTED_LIMIT_MS = 5_000.0
BACK_LIMIT_S = 20.0


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "COURTSIDE_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "CRITICAL",
        }
        django.setup()
        from django.core.management import call_command

        from tests.bench.orders_stage import measure

        call_command("migrate", verbosity=0)
        began = time.monotonic()
        seen = asyncio.run(measure(Path(folder), orders=given.orders, resting=given.resting, reply_ms=REPLY_MS))
        print(f"measured in {time.monotonic() - began:.0f} s; load {load()}")
    return tell(seen)


def tell(seen: Measured) -> int:
    print(f"{'ms, replies after 100 ms':<42}{'count':>6}{'min':>8}{'p50':>8}{'p99':>8}{'max':>8}")
    figures = {"placement, command to answer kept": seen.placed, "detection, fill to books": seen.detected}
    for name, times in figures.items():
        told = "".join(f"{ms:>8.0f}" for ms in (min(times), rank(times, 0.5), rank(times, 0.99), max(times)))
        print(f"{name:<42}{len(times):>6}{told}")
    print(f"recovery with {seen.resting} open orders: {seen.back_s:.1f} s, the last ended at {seen.ended_s:.1f} s")
    placed, detected = rank(seen.placed, 0.99), rank(seen.detected, 0.99)
    print(f"placement, p99, beyond the venue's own time: {placed - REPLY_MS:.0f} ms")
    kept = placed <= PLACED_LIMIT_MS and detected <= DETECTED_LIMIT_MS and seen.back_s <= BACK_LIMIT_S
    print(f"goal {'PASS' if placed <= PLACED_GOAL_MS else 'MISSED'}, limits {'PASS' if kept else 'MISSED'}")
    return 0 if kept else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.orders", description=__doc__)
    parser.add_argument("--orders", type=int, default=200, help="placed and filled one after the other")
    parser.add_argument("--resting", type=int, default=500, help="open when the engine is killed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
