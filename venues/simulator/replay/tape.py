"""A recorded game, whatever file it came from: quotes, plays and the result, in the order in which they may be seen.

Invariant: `seen_ms` of everything is when a trader could have known
it, so a replay that shows things at `seen_ms` never looks ahead. A file that is truncated, empty or of another format
raises ReplayError with a sentence that says what to do; nothing is replayed from half a file.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from venues.simulator.games.sheet import TeamCard

Side = Literal["home", "away"]


class ReplayError(Exception):
    """The file cannot be replayed; the message is a sentence for people."""


class RecordedQuote(msgspec.Struct, frozen=True):
    """Best prices of the market that pays when `side` wins, in µUSD; 0 bid or 1 000 000 ask: nobody quotes.
    `taker_qty_u` of them were traded since the quote before, bought by takers if `is_taker_buy`."""

    seen_ms: int
    side: Side
    bid_u: int
    ask_u: int
    taker_qty_u: int = 0
    is_taker_buy: bool = True


class RecordedPlay(msgspec.Struct, frozen=True):
    """The state of the game after a play, as the feed would have shown it."""

    seen_ms: int
    period: int
    clock_s: int
    home: int
    away: int
    text: str
    ends_period: bool = False


class RecordedGameTape(msgspec.Struct, frozen=True, kw_only=True):
    """`final_ms`: when the result can be seen; `has_scores` False where the source recorded prices only."""

    name: str
    league: str
    kalshi_event: str
    event_id: str
    home: TeamCard
    away: TeamCard
    start_ms: int
    final_ms: int
    winner: Side
    home_score: int
    away_score: int
    has_scores: bool
    quotes: tuple[RecordedQuote, ...]
    plays: tuple[RecordedPlay, ...]

    @property
    def end_ms(self) -> int:
        """When the last thing recorded happens."""
        return max(self.final_ms, self.quotes[-1].seen_ms)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """All lines of a JSON-lines file, gzipped or not. Raises ReplayError."""
    rows = list(_rows(path))
    if not rows:
        raise ReplayError(f"{path.name} is empty; give a recorded game with at least one line.")
    return rows


def require(row: dict[str, Any], key: str, path: Path, number: int) -> Any:
    """The value of a key of line `number`. Raises ReplayError when it is missing."""
    if key not in row:
        raise ReplayError(f"{path.name}, line {number}: {key!r} is missing; the file is damaged or of another format.")
    return row[key]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    except FileNotFoundError:
        raise ReplayError(f"There is no file {path}; check the path given as tape.") from None
    except OSError as error:
        raise ReplayError(f"{path.name} cannot be read ({error}); fetch it again.") from error
    except (EOFError, zlib.error):
        raise ReplayError(f"{path.name} is truncated: the compressed data ends early; fetch it again.") from None
    except UnicodeDecodeError:
        raise ReplayError(f"{path.name} is no text; give a file of JSON lines, gzipped or not.") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield _row(path, number, line)


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise ReplayError(
            f"{path.name}, line {number} is no JSON; the file is truncated or of another format."
        ) from None
    if not isinstance(row, dict):
        raise ReplayError(f"{path.name}, line {number} is no JSON object; the file is of another format.")
    return row
