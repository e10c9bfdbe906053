"""The parts of a game by the sport's own names (q1…q4, h1, p3, inning_7, set_2) and how far the next one is.

Overtime and shootouts are parts of no regulation and therefore never among the allowed ones unless named.
"""

from __future__ import annotations

from functools import lru_cache

from venues.leagues import LEAGUES
from venues.types import GameState, GameStatus

_PREFIX = {"quarter": "q", "half": "h", "period": "p", "inning": "inning_", "set": "set_", "round": "round_"}


@lru_cache(maxsize=256)
def regulation_segments(league: str) -> tuple[str, ...]:
    """All parts of regulation in order; empty for a league we do not know."""
    known = LEAGUES.get(league)
    if known is None or known.period not in _PREFIX:
        return ()
    return tuple(f"{_PREFIX[known.period]}{number}" for number in range(1, known.periods + 1))


@lru_cache(maxsize=1024)
def allowed_segments(league: str, chosen: tuple[str, ...] | None) -> frozenset[str]:
    """The chosen parts, or all of regulation but the last when none were chosen."""
    return frozenset(regulation_segments(league)[:-1] if chosen is None else chosen)


def current_segment(game: GameState) -> str:
    """The part being played, or just finished during a break; by its number where the feed gives no name of ours."""
    segments = regulation_segments(game.league)
    if game.segment in segments or not 1 <= game.period <= len(segments):
        return game.segment
    return segments[game.period - 1]


def next_segment(game: GameState) -> str:
    """The part that follows; empty after the last of regulation (what follows then is the end, or overtime)."""
    segments = regulation_segments(game.league)
    current = current_segment(game)
    if current not in segments[:-1]:
        return ""
    return segments[segments.index(current) + 1]


def seconds_to_next(game: GameState) -> int | None:
    """Game-clock seconds left in the current part, 0 during a break; None where nothing is timed."""
    if game.status is GameStatus.BREAK:
        return 0
    known = LEAGUES.get(game.league)
    if known is None or not known.period_s or game.remaining_s is None:
        return None
    after_this = max(known.periods - game.period, 0) * known.period_s
    return max(game.remaining_s - after_this, 0)


def restriction(game: GameState, allowed: frozenset[str], lead_s: int) -> str:
    """Why the strategy has to be out now: the part itself, or the one that begins within `lead_s`; empty if it may
    stay. The end of the last part is not a restriction: the settlement follows."""
    current = current_segment(game)
    if current not in allowed:
        return current or "unknown"
    following = next_segment(game)
    left_s = seconds_to_next(game)
    if following and following not in allowed and left_s is not None and left_s <= lead_s:
        return following
    return ""
