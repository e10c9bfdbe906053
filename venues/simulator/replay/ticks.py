"""Importer of Kalshi `ticker` messages of one game market (`kalshi_nba_ticks/*.jsonl.gz`).

The file of the other team is picked up when it lies beside this one; without it that market is the mirror image. The
source recorded no plays: the score is unknown and stays 0, only the status moves. No schedule either: the start is the
half hour nearest to two and a half hours before the last quote, about what an NBA game takes.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from venues import teams
from venues.simulator.games.roster import card
from venues.simulator.replay.tape import (
    RecordedGameTape,
    RecordedQuote,
    ReplayError,
    Side,
    require,
    rows_of,
)
from venues.types import MICRO

_LEAGUES = {"KXNBAGAME": "nba", "KXWNBAGAME": "wnba"}
_GAME_MS, _HALF_HOUR_MS = 150 * 60 * 1000, 30 * 60 * 1000
_DECIDED_U = 950_000


def read(path: Path, rows: list[dict[str, Any]]) -> RecordedGameTape:
    """Raises ReplayError for an unknown league or teams, or a file that ends while the game is open."""
    ticker = str(require(rows[0], "market_ticker", path, 1))
    event, _, code = ticker.rpartition("-")
    league = _LEAGUES.get(event.partition("-")[0])
    pair = teams.split_pair(league, event.rpartition("-")[2][7:], "kalshi") if league else None
    if league is None or pair is None:
        raise ReplayError(f"{path.name} records {ticker}, whose league or teams are not known here.")
    away, home = pair
    side: Side = "home" if code in home.kalshi else "away"
    quotes = _quotes(path, rows, ticker, side) + _sibling(path, event, code, home, away, side)
    quotes.sort(key=lambda quote: quote.seen_ms)
    end_ms = quotes[-1].seen_ms
    return RecordedGameTape(
        name=path.name,
        league=league,
        kalshi_event=event,
        event_id=f"4{_day(event):%y%m%d}00",
        home=card(league, home.kalshi[0], "kalshi"),
        away=card(league, away.kalshi[0], "kalshi"),
        start_ms=round((end_ms - _GAME_MS) / _HALF_HOUR_MS) * _HALF_HOUR_MS,
        final_ms=end_ms,
        winner=_winner(path, rows, side),
        home_score=0,
        away_score=0,
        has_scores=False,
        quotes=tuple(quotes),
        plays=(),
    )


def _sibling(path: Path, event: str, code: str, home: teams.Team, away: teams.Team, side: Side) -> list[RecordedQuote]:
    other = away if side == "home" else home
    for other_code in other.kalshi:
        beside = path.with_name(path.name.replace(f"{event}-{code}", f"{event}-{other_code}"))
        if beside != path and beside.exists():
            return _quotes(beside, rows_of(beside), f"{event}-{other_code}", "away" if side == "home" else "home")
    return []


def _quotes(path: Path, rows: list[dict[str, Any]], ticker: str, side: Side) -> list[RecordedQuote]:
    found, volume_before = [], None
    for number, row in enumerate(rows, start=1):
        if require(row, "market_ticker", path, number) != ticker:
            raise ReplayError(f"{path.name}, line {number} is of another market than {ticker}; the file is mixed.")
        volume = int(row.get("volume") or 0)
        found.append(_quote(path, number, row, side, max(0, volume - (volume_before or volume))))
        volume_before = volume
    return found


def _quote(path: Path, number: int, row: dict[str, Any], side: Side, traded: int) -> RecordedQuote:
    try:
        bid_u = round(float(require(row, "yes_bid_prob", path, number)) * MICRO)
        ask_u = round(float(require(row, "yes_ask_prob", path, number)) * MICRO)
        price_u = round(float(row.get("price_prob") or 0.0) * MICRO)
        seen_ms = int(require(row, "kalshi_ts", path, number)) * 1000
    except (TypeError, ValueError):
        raise ReplayError(f"{path.name}, line {number}: a price or time is no number; the file is damaged.") from None
    if not 0 <= bid_u < ask_u <= MICRO:
        raise ReplayError(f"{path.name}, line {number}: bid {bid_u} and ask {ask_u} µUSD are no quote.")
    return RecordedQuote(seen_ms, side, bid_u, ask_u, traded * MICRO, is_taker_buy=2 * price_u >= bid_u + ask_u)


def _winner(path: Path, rows: list[dict[str, Any]], side: Side) -> Side:
    last_u = round(float(rows[-1].get("price_prob") or 0.5) * MICRO)
    if last_u >= _DECIDED_U:
        return side
    if last_u <= MICRO - _DECIDED_U:
        return "away" if side == "home" else "home"
    raise ReplayError(
        f"{path.name} ends at {last_u / MICRO:.2f}, before its game was decided; it is truncated, fetch it again."
    )


def _day(event: str) -> date:
    """The date in `KXNBAGAME-25NOV22LACCHA`."""
    return datetime.strptime(event.partition("-")[2][:7].title(), "%y%b%d").date()  # noqa: DTZ007 - a date only
