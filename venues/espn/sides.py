"""The two sides of a game: which is home, what they are called, what they have scored, who won.

ESPN's `homeAway` decides; where it is missing (older tennis, fights) the lower `order` is the home side. Scores come as
strings, wrapped, or not at all: tennis has only sets, cricket has "227 & 231" and "155/6". `winner` counts only once a
game is final, because soccer sends `false` for both from the first minute on.
"""

from __future__ import annotations

import re

from venues.errors import ProtocolError
from venues.espn.schemas import Competitor, LineScore, Named, Score
from venues.types import TeamRef

_RUNS = re.compile(r"\d+")
_PLACEHOLDER = TeamRef("", "TBD", "TBD")


def home_and_away(competitors: tuple[Competitor, ...]) -> tuple[Competitor, Competitor]:
    """Raises ProtocolError unless there are exactly two sides."""
    if len(competitors) != 2:
        raise ProtocolError(f"A game has {len(competitors)} sides instead of two.")
    first, second = competitors
    if {first.home_away, second.home_away} == {"home", "away"}:
        return (first, second) if first.home_away == "home" else (second, first)
    return (first, second) if first.order <= second.order else (second, first)


def name_of(side: Competitor) -> str:
    """The short sign of a side: its abbreviation, else the surnames of its players, else TBD."""
    return team_ref(side).code


def team_ref(side: Competitor) -> TeamRef:
    """`source_id` is ESPN's id inside the league; players have no abbreviation, so their surname serves as the code."""
    who: Named | None = side.team or side.athlete or side.roster
    if who is None or not (who.display_name or who.abbreviation):
        return _PLACEHOLDER
    code = who.abbreviation or "/".join(_surname(name) for name in who.display_name.split("/"))
    return TeamRef(side.id or who.id, code, who.display_name or who.abbreviation)


def score_text(side: Competitor) -> str:
    """The score as ESPN writes it, or an empty string."""
    if isinstance(side.score, Score):
        return side.score.display_value or f"{side.score.value or 0:g}"
    return "" if side.score is None else f"{side.score:g}" if isinstance(side.score, float) else side.score


def points(sport: str, side: Competitor) -> int:
    """The score as a number. Raises ProtocolError for a text that is none."""
    text = score_text(side).strip()
    if not text:
        return 0
    if sport == "cricket":
        return _cricket_runs(text)
    try:
        return int(text)
    except ValueError:
        raise ProtocolError(f"The score {text!r} is not a number.") from None


def sets_won(home: Competitor, away: Competitor, *, is_played_out: bool) -> tuple[int, int]:
    """Sets decided for each side; the running set counts for nobody, nor the one in which a player retired."""
    ours, theirs = home.linescores or (), away.linescores or ()
    won = [0, 0]
    for at, (first, second) in enumerate(zip(ours, theirs, strict=False)):
        is_last = at == min(len(ours), len(theirs)) - 1
        if is_last and not (is_played_out or _is_decided(first, second)):
            continue
        if (first.value or 0) != (second.value or 0):
            won[(first.value or 0) < (second.value or 0)] += 1
    return won[0], won[1]


def winner_of(home: Competitor, away: Competitor, scores: tuple[int, int]) -> str:
    """`home`, `away` or `draw` of a finished game: ESPN's flag, else the score, else the penalty shoot-out."""
    if bool(home.winner) != bool(away.winner):
        return "home" if home.winner else "away"
    lead = scores[0] - scores[1] or (home.shootout_score or 0) - (away.shootout_score or 0)
    return "home" if lead > 0 else "away" if lead < 0 else "draw"


def _is_decided(first: LineScore, second: LineScore) -> bool:
    if first.winner or second.winner:
        return True
    high, low = max(first.value or 0, second.value or 0), min(first.value or 0, second.value or 0)
    return high >= 6 and (high - low >= 2 or high == 7)


def _cricket_runs(text: str) -> int:
    """`227 & 231` is 458 runs; wickets, overs and the target are not runs."""
    innings = (_RUNS.search(part) for part in text.partition("(")[0].split("&"))
    return sum(int(found.group()) for found in innings if found)


def _surname(name: str) -> str:
    words = name.split()
    return words[-1].upper() if words else ""
