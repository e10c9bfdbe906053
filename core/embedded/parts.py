"""What a part of the one-process run is, and what it is told about the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.dispatch import Signal

run_starting = Signal()
"""Sent before a run writes anything, for an app to look at what it keeps. `is_reset`: all of it will be removed first;
`has_database`: there is one to look into. A receiver raises RunRefused and changes nothing."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the user asked for. `speed` is virtual seconds per real second of the simulated venues."""

    data_dir: Path
    port: int = 8000
    seed: int = 7
    speed: float = 10.0
    tape: Path | None = None
    exit_at_end: bool = False

    @property
    def is_replay(self) -> bool:
        return self.tape is not None


@dataclass
class RunContext:
    """The options, and what parts tell the parts after them (the simulators tell where they listen)."""

    options: RunOptions
    end: Callable[[], None] = lambda: None
    simulator_port: int | None = None


class Part(Protocol):
    """One part of the run. `start` returns when the part works; `is_alive` is asked every second."""

    name: str

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def is_alive(self) -> bool: ...


class RunRefused(Exception):
    """The run cannot start; the message is a sentence that says what is wrong and what to do. Exit code 2."""
