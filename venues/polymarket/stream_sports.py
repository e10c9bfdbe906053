"""The sports channel: one frame is the state of one game; becomes a `GameState` with source "polymarket".

A second opinion on scores, not the first: frames carry no clock in most sports, the `ended` frame comes once, and the
order of a score is the league's own (`ordering` on Gamma: away first in the US, home first in soccer and tennis),
which is our assumption for this channel too (FACTS §6.3 leaves it open). A frame that does not fit gives nothing and
is counted.
"""

from __future__ import annotations

import re
from collections import Counter

from venues import teams
from venues.errors import ProtocolError
from venues.leagues import League, by_polymarket_prefix
from venues.polymarket.schemas_stream import SportsFrame
from venues.polymarket.stream_decode import objects_of
from venues.types import MICRO, GameState, GameStatus, TeamRef, Venue
from venues.wire import Census, decode

SOURCE = "polymarket"
_AWAY_FIRST = ("basketball", "football", "baseball", "hockey")
_SCORE = re.compile(r"(\d{1,3})-(\d{1,3})")
_NUMBERED = re.compile(r"([QP])(\d)|(\d)([HQP])|(?:OT)(\d?)")
_INNING = re.compile(r"(?:top|bot|bottom|mid|end)\D*(\d{1,2})", re.IGNORECASE)
_FINAL = ("VFT", "FT", "FT OT", "AET", "FINAL", "F", "F/OT")
_BREAKS = ("HT", "HALFTIME", "BREAK")
_STATUSES = {"POST": GameStatus.POSTPONED, "CAN": GameStatus.CANCELED, "SUSP": GameStatus.SUSPENDED}


class SportsChannel:
    """`feed` never raises; `counts` tells what gave no state."""

    def __init__(self) -> None:
        self.census = Census(Venue.POLYMARKET)
        self.counts: Counter[str] = Counter()

    def feed(self, frame: str | bytes, received_us: int) -> list[GameState]:
        try:
            objects = objects_of(frame)
        except ProtocolError:
            self.counts["no_json"] += 1
            return []
        states = [self._one(each, received_us) for each in objects]
        return [state for state in states if state is not None]

    def _one(self, body: bytes, received_us: int) -> GameState | None:
        try:
            frame = decode(body, SportsFrame, self.census)
        except ProtocolError:
            self.counts["unreadable"] += 1
            return None
        league = by_polymarket_prefix(frame.league_abbreviation)
        score = _SCORE.fullmatch(frame.score or "0-0")
        if league is None or score is None or frame.game_id is None:
            self.counts[f"other league: {frame.league_abbreviation[:20]}" if league is None else "other form"] += 1
            return None
        return _state(frame, league, (int(score[1]), int(score[2])), received_us // 1000)


def _state(frame: SportsFrame, league: League, score: tuple[int, int], at_ms: int) -> GameState:
    away, home = score if league.sport in _AWAY_FIRST else (score[1], score[0])
    status = _status(frame)
    period, segment = _segment(frame.period, league)
    return GameState(
        game_id=f"{SOURCE}:{frame.game_id}",
        source=SOURCE,
        league=league.code,
        sport=league.sport,
        status=status,
        home=_team(league.code, frame.home_team),
        away=_team(league.code, frame.away_team),
        home_score=home,
        away_score=away,
        start_ms=0,
        period=period,
        segment=segment,
        clock_text=frame.elapsed or "",
        elapsed_frac_u=_played_u(frame, league, status, period),
        winner=_winner(status, home=home, away=away),
        detail=frame.status,
        source_ms=at_ms,
    )


def _status(frame: SportsFrame) -> GameStatus:
    period = frame.period.upper()
    if period in _STATUSES:
        return _STATUSES[period]
    if frame.ended or period in _FINAL:
        return GameStatus.FINAL
    if period in _BREAKS and frame.live:
        return GameStatus.BREAK
    return GameStatus.IN_PROGRESS if frame.live else GameStatus.SCHEDULED


def _segment(period: str, league: League) -> tuple[int, str]:
    """(number, our word): Q3 → (3, "q3"), 2H → (2, "h2"), OT → (periods + 1, "ot1"), Top 5th → (5, "inning_5")."""
    inning = _INNING.match(period)
    if inning is not None:
        return int(inning[1]), f"inning_{int(inning[1])}"
    match = _NUMBERED.fullmatch(period.upper())
    if match is None:
        return 0, ""
    letter, number = match[1] or match[4], match[2] or match[3]
    if letter is not None and number is not None:
        return int(number), f"{letter.lower()}{number}"
    overtime = int(match[5] or 1)
    return league.periods + overtime, f"ot{overtime}"


def _played_u(frame: SportsFrame, league: League, status: GameStatus, period: int) -> int:
    """The played part of regulation in millionths: by the minute in soccer, else by periods that are over."""
    if status is GameStatus.FINAL:
        return MICRO
    if league.sport == "soccer" and (frame.elapsed or "").isdecimal():
        return min(MICRO, int(frame.elapsed or "0") * 60 * MICRO // max(1, league.regulation_s))
    if status is GameStatus.BREAK:
        return MICRO // 2
    return min(MICRO, max(0, period - 1) * MICRO // max(1, league.periods))


def _winner(status: GameStatus, *, home: int, away: int) -> str:
    if status is not GameStatus.FINAL:
        return ""
    return "draw" if home == away else "home" if home > away else "away"


def _team(league: str, name: str) -> TeamRef:
    team = teams.resolve(league, name)
    return TeamRef(source_id="", code=team.code if team else "", name=name)
