"""`python -m tests.bench.claims`: how long the claim of an order (T1) takes at 50 a second, beside a bare transaction.

Per database: an account with a past (closed orders and positions), some orders working, then claims at a steady rate.
Between two claims the bare transaction runs: one row updated, one inserted, committed. It is what this disk and this
database cost at the same moment, so the ratio of the two is worth comparing between machines; the times are not.
Goal on PostgreSQL: p50 ≤ 2 ms, p99 ≤ 10 ms. PostgreSQL is measured where DATABASE_URL names one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

GOAL_MS = (2.0, 10.0)
WORKING = 20
COLUMNS = (
    ("T1, ms", 12), ("p50", 9), ("p99", 9), ("max", 9), ("bare p50", 10), ("bare p99", 10), ("ratio", 8), ("CPU ms", 8),
    ("queries", 9),
)  # fmt: skip


class Times(NamedTuple):
    """Milliseconds of the wall clock."""

    p50: float
    p99: float
    most: float

    def text(self) -> str:
        return f"{self.p50:>9.2f}{self.p99:>9.2f}{self.most:>9.2f}"


def times_of(seconds: list[float]) -> Times:
    ordered = sorted(one * 1e3 for one in seconds)
    return Times(ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], ordered[-1])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=50.0, help="claims a second")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        return _measure(options.claims, options.rate)
    print("".join(f"{name:>{width}}" for name, width in COLUMNS), flush=True)
    given = os.environ.get("DATABASE_URL", "")
    postgres = given if given.startswith("postgres") else ""
    codes = [_in_a_process(url, options) for url in filter(None, (postgres, "sqlite"))]
    if not postgres:
        print("  postgresql  left out: set DATABASE_URL=postgres://… to measure it")
    return max(codes)


def _in_a_process(url: str, options: argparse.Namespace) -> int:
    """Django reads its settings once, so each database gets a process, and a data folder, of its own."""
    with tempfile.TemporaryDirectory() as folder:
        own = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "COURTSIDE_DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        }
        env = {**os.environ, **own, **({"DATABASE_URL": url} if url != "sqlite" else {}), "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "tests.bench.claims", "--here"]
        wish = ["--claims", str(options.claims), "--rate", str(options.rate)]
        return subprocess.run([*command, *wish], env=env, check=False).returncode


def _measure(claims: int, rate: float) -> int:
    from tests.bench.claim_stage import ClaimStage, bench_database

    with bench_database(Path(os.environ["COURTSIDE_DATA_DIR"])) as connection:
        stage = ClaimStage()
        stage.warm_up(50)
        queries = stage.count_queries()
        claim_s: list[float] = []
        bare_s: list[float] = []
        cpu_s: list[float] = []
        due = time.perf_counter()
        for _ in range(claims):
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due + 1 / rate, time.perf_counter())
            cpu = time.thread_time()
            claim_s.append(stage.claim())
            cpu_s.append(time.thread_time() - cpu)
            bare_s.append(stage.bare())
            stage.tidy(WORKING)
        claim, bare, cpu_ms = times_of(claim_s), times_of(bare_s), times_of(cpu_s)
        ratio = claim.p50 / bare.p50
        verdict = "PASS" if claim.p50 <= GOAL_MS[0] and claim.p99 <= GOAL_MS[1] else "above"
        row = f"{connection.vendor:>12}{claim.text()}{bare.p50:>10.2f}{bare.p99:>10.2f}{ratio:>8.1f}{cpu_ms.p50:>8.2f}"
        print(f"{row}{queries:>9}   {verdict} (p50 ≤ {GOAL_MS[0]:g}, p99 ≤ {GOAL_MS[1]:g} ms)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
