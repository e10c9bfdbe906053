"""Importer of minute bars joined with a play-by-play (`stream_replay/*.jsonl.gz`).

A bar's `ts` is its end, so its close is a quote from then on: the side that moved the price stands at the close and the
other one cent away. A play's `ts` is the wall clock of the play, not when a feed showed it; it is seen 20 seconds later
(../shared/sports/FACTS.md §9: feeds lag by 15 to 30 s, and the market by 10 to 15 s).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from venues.simulator.games.roster import card
from venues.simulator.games.sheet import TeamCard
from venues.simulator.replay.tape import (
    RecordedGameTape,
    RecordedPlay,
    RecordedQuote,
    ReplayError,
    Side,
    require,
)
from venues.types import MICRO

FEED_LAG_MS = 20_000
_HALF_HOUR_MS = 30 * 60 * 1000
_LEAGUES = {"KXNBAGAME": "nba", "KXWNBAGAME": "wnba"}


def read(path: Path, rows: list[dict[str, Any]]) -> RecordedGameTape:
    """Raises ReplayError for a file without bars, without plays, or that ends before its game does."""
    meta = rows[0]
    event = str(require(meta, "kalshi_event", path, 1))
    league = _LEAGUES.get(event.partition("-")[0])
    if league is None:
        raise ReplayError(f"{path.name} records {event}, a league whose recordings cannot be replayed yet.")
    home, away = _teams(path, league, meta)
    side = _side(path, meta, home, away)
    quotes = [_quote(path, n, row, side) for n, row in enumerate(rows, 1) if row.get("src") == "kalshi_1m"]
    plays = [_play(path, n, row) for n, row in enumerate(rows, 1) if row.get("src") == "espn"]
    if not quotes or not plays:
        raise ReplayError(f"{path.name} holds {len(quotes)} bars and {len(plays)} plays; a replay needs both.")
    last = plays[-1]
    if rows[-1].get("type") != "End Game" and not any(row.get("type") == "End Game" for row in rows):
        raise ReplayError(f"{path.name} ends at {last.home}-{last.away} before the end of its game; fetch it again.")
    return RecordedGameTape(
        name=path.name,
        league=league,
        kalshi_event=event,
        event_id=str(require(meta, "espn_event_id", path, 1)),
        home=home,
        away=away,
        start_ms=(plays[0].seen_ms - FEED_LAG_MS) // _HALF_HOUR_MS * _HALF_HOUR_MS,
        final_ms=last.seen_ms,
        winner="home" if last.home > last.away else "away",
        home_score=last.home,
        away_score=last.away,
        has_scores=True,
        quotes=tuple(quotes),
        plays=tuple(plays),
    )


def _teams(path: Path, league: str, meta: dict[str, Any]) -> tuple[TeamCard, TeamCard]:
    try:
        codes = [str(require(meta, key, path, 1)) for key in ("home", "away")]
        return card(league, codes[0], "espn"), card(league, codes[1], "espn")
    except KeyError as error:
        raise ReplayError(f"{path.name}: {error.args[0]}") from None


def _side(path: Path, meta: dict[str, Any], home: TeamCard, away: TeamCard) -> Side:
    code = str(require(meta, "kalshi_ticker", path, 1)).rpartition("-")[2]
    if code not in (home.kalshi, away.kalshi):
        raise ReplayError(f"{path.name}: {code} is neither {home.kalshi} nor {away.kalshi}; the first line is wrong.")
    return "home" if code == home.kalshi else "away"


def _quote(path: Path, number: int, row: dict[str, Any], side: Side) -> RecordedQuote:
    try:
        close_c, open_c = int(require(row, "close_c", path, number)), int(require(row, "open_c", path, number))
        seen_ms, volume = round(float(require(row, "ts", path, number)) * 1000), int(row.get("volume", 0))
    except (TypeError, ValueError):
        raise ReplayError(f"{path.name}, line {number}: a price or time is no number; the file is damaged.") from None
    if not 1 <= close_c <= 99:
        raise ReplayError(f"{path.name}, line {number}: a close of {close_c} cents is no price of a live contract.")
    has_risen = close_c >= open_c
    return RecordedQuote(
        seen_ms=seen_ms,
        side=side,
        bid_u=(close_c - has_risen) * 10_000,
        ask_u=(close_c + (not has_risen)) * 10_000,
        taker_qty_u=volume * MICRO,
        is_taker_buy=has_risen,
    )


def _play(path: Path, number: int, row: dict[str, Any]) -> RecordedPlay:
    try:
        return RecordedPlay(
            seen_ms=round(float(require(row, "ts", path, number)) * 1000) + FEED_LAG_MS,
            period=int(require(row, "period", path, number)),
            clock_s=_clock_s(str(require(row, "clock", path, number))),
            home=int(require(row, "home_score", path, number)),
            away=int(require(row, "away_score", path, number)),
            text=str(row.get("text", "")),
            ends_period=row.get("type") == "End Period",
        )
    except (TypeError, ValueError):
        raise ReplayError(f"{path.name}, line {number}: a score or clock is no number; the file is damaged.") from None


def _clock_s(clock: str) -> int:
    """ "11:41" and, in the last minute, "32.4": whole seconds left, rounded up."""
    minutes, colon, seconds = clock.rpartition(":")
    return int(minutes) * 60 + int(seconds) if colon else -int(-float(seconds) // 1)
