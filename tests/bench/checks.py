"""`python -m tests.bench.checks`: what the pre-trade checks of one order cost, in memory. Goal: p99 of all ≤ 1 ms.

- session: `PreTrade.judge`, with the snapshot it makes of a live session of one market (PT-03 to PT-27);
- claim: `judge_claim` on a snapshot that is there (its rows are read by the claim itself: `make bench-claim`);
- wire: the last look at the bytes.
Each order passes every check, the most that is asked of one.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from time import perf_counter_ns

from risk.checks import CLAIM_CHECKS, LIVE_CHECKS, WIRE_CHECKS, judge_claim, judge_wire
from tests.risk.checks.calm import CLAIM, WIRE
from tests.trading.engine.at_the_gate import Gate

ORDERS = 20_000
GOAL_US = 1_000.0


def session_checks() -> Callable[[], object]:
    gate = Gate()

    def judge() -> object:
        gate.vitals.buckets.clear()
        return gate.judge()

    return judge


def timed(work: Callable[[], object], orders: int) -> list[int]:
    """Nanoseconds of each, sorted. Raises AssertionError for an order that was refused: it met fewer questions."""
    gc.collect()
    spent = []
    for _ in range(orders):
        began = perf_counter_ns()
        verdict = work()
        spent.append(perf_counter_ns() - began)
        assert verdict is None, verdict
    return sorted(spent)


def main(orders: int = ORDERS) -> int:
    """0 when the goal is met."""
    rows = {
        f"session, {len(LIVE_CHECKS)} checks": timed(session_checks(), orders),
        f"claim, {len(CLAIM_CHECKS)} checks": timed(lambda: judge_claim(CLAIM), orders),
        f"wire, {len(WIRE_CHECKS)} checks": timed(lambda: judge_wire(WIRE), orders),
    }
    print(f"{'µs an order':<24}{'p50':>10}{'p99':>10}{'p99.9':>10}")
    for name, spent in rows.items():
        print(f"{name:<24}" + "".join(f"{at(spent, per_mille):>10.1f}" for per_mille in (500, 990, 999)))
    total_us = sum(at(spent, 990) for spent in rows.values())
    verdict = "PASS" if total_us <= GOAL_US else "above"
    print(f"{'all, p99':<24}{'':>10}{total_us:>10.1f}   {verdict} (≤ {GOAL_US:,.0f} µs)")
    return 0 if total_us <= GOAL_US else 1


def at(spent: list[int], per_mille: int) -> float:
    return spent[min(len(spent) - 1, len(spent) * per_mille // 1_000)] / 1_000


if __name__ == "__main__":
    sys.exit(main())
