"""Looks at a file and picks its importer."""

from __future__ import annotations

from pathlib import Path

from venues.simulator.replay import bars, ticks
from venues.simulator.replay.tape import RecordedGameTape, ReplayError, rows_of


def load(path: Path) -> RecordedGameTape:
    """Read a recorded game. Raises ReplayError."""
    rows = rows_of(path)
    first = rows[0]
    if "courtside_tape" in first:
        raise ReplayError(
            f"{path.name} is a recording of Courtside's own streams, not of a game: no command replays it, "
            "venues.tape.iter_tape reads its frames. What is replayed is minute bars with plays or Kalshi ticker lines."
        )
    if first.get("type") == "meta":
        return bars.read(path, rows)
    if "market_ticker" in first and "yes_bid_prob" in first:
        return ticks.read(path, rows)
    raise ReplayError(
        f"{path.name} is of a format that is not known here; known are minute bars with plays and Kalshi ticker lines."
    )
