"""Polymarket's sports channel: every change of every game to everybody who listens, without subscriptions.

Frame shape from recorded frames (../shared/venues/polymarket/FACTS.md §6.3): the league's own code, a period word per
sport (Q1, HT, 2H, Top 1st, P3, VFT), `score` in the order in which the venue's slug names the teams.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from venues.leagues import league as league_of
from venues.simulator.asgi import Socket
from venues.simulator.espn_status import ordinal
from venues.simulator.games.sheet import Baseball, Fixture, Sheet
from venues.simulator.polymarket_listing import EventListing, GameProgress
from venues.types import GameStatus


class SportsChannel:
    """Those who listen now. A frame that says what the last one of its game said is not sent again."""

    def __init__(self) -> None:
        self._sockets: list[Socket] = []
        self._last: dict[int, str] = {}

    async def connect(self, socket: Socket) -> None:
        await socket.accept()
        self._sockets.append(socket)
        try:
            while True:
                text = (await socket.receive()).strip()
                if text.lower() == "ping":
                    socket.answer_keepalive("PONG" if text.isupper() else "pong")
        finally:
            self._sockets.remove(socket)

    def publish(self, game_id: int, body: dict[str, Any]) -> None:
        text = msgspec.json.encode(body).decode()
        if self._last.get(game_id) == text:
            return
        self._last[game_id] = text
        for socket in self._sockets:
            socket.send(text)


def progress_of(event: EventListing, fixture: Fixture, sheet: Sheet) -> GameProgress:
    """How far the game is in the venue's words."""
    is_over = sheet.status is GameStatus.FINAL
    scores = (sheet.away, sheet.home) if event.sport.ordering == "away" else (sheet.home, sheet.away)
    has_begun = sheet.status is not GameStatus.SCHEDULED
    return GameProgress(
        start_ms=fixture.start_ms,
        live=sheet.status.is_live,
        ended=is_over,
        score=f"{scores[0]}-{scores[1]}" if has_begun else "",
        period=period_word(fixture, sheet),
        elapsed=_elapsed(fixture, sheet),
        status="finished" if is_over else "InProgress" if has_begun else "scheduled",
        finished_ms=sheet.final_ms if is_over else None,
    )


def frame(event: EventListing, fixture: Fixture, progress: GameProgress) -> dict[str, Any]:
    state = {
        "type": fixture.sport,
        "score": progress.score,
        "elapsed": progress.elapsed,
        "period": progress.period,
        "live": progress.live,
        "ended": progress.ended,
    }
    body: dict[str, Any] = {
        "gameId": event.game_id,
        "leagueAbbreviation": event.sport.code,
        "homeTeam": fixture.home.display,
        "awayTeam": fixture.away.display,
        "status": progress.status,
        "eventState": state,
        "score": progress.score,
        "elapsed": progress.elapsed,
        "period": progress.period,
        "live": progress.live,
        "ended": progress.ended,
    }
    if progress.finished_ms is not None:
        stamp = datetime.fromtimestamp(progress.finished_ms / 1000, UTC)
        body["finishedTimestamp"] = f"{stamp:%Y-%m-%dT%H:%M:%SZ}"
    return body


def period_word(fixture: Fixture, sheet: Sheet) -> str:
    """NS before, VFT after; between them the sport's own word."""
    if sheet.status is GameStatus.SCHEDULED:
        return "NS"
    if sheet.status is GameStatus.FINAL:
        return "VFT"
    league = league_of(fixture.league)
    if league.sport == "baseball":
        detail = sheet.detail_of(Baseball)
        half = ("Mid" if detail.is_top else "End") if sheet.status is GameStatus.BREAK else _half(detail)
        return f"{half} {ordinal(sheet.period)}"
    if sheet.status is GameStatus.BREAK and sheet.period * 2 == league.periods:
        return "HT"
    if sheet.period > league.periods:
        return "OT"
    return {"soccer": "{}H", "hockey": "P{}", "tennis": "S{}"}.get(league.sport, "Q{}").format(sheet.period)


def _half(detail: Baseball) -> str:
    return "Top" if detail.is_top else "Bot"


def _elapsed(fixture: Fixture, sheet: Sheet) -> str:
    """Minutes played in soccer, the clock elsewhere."""
    if not sheet.status.is_live or fixture.sport in ("baseball", "tennis"):
        return ""
    if fixture.sport == "soccer":
        played_s = (sheet.period - 1) * 2700 + sheet.period_len_s - sheet.clock_s
        return str(played_s // 60)
    return f"{sheet.clock_s // 60:02d}:{sheet.clock_s % 60:02d}"
