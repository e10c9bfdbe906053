"""What a run came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trading.selectors.invariants_terms import Violation


@dataclass
class Result:
    """What a run came to. `findings` is empty for a good one."""

    seed: int
    orders: int = 0
    fills: int = 0
    digest: str = ""
    judged: int = 0
    """Orders that only a person could end."""
    virtual_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    freezes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[Violation] = field(default_factory=list)
