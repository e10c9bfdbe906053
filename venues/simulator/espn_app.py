"""The game feed's face: ESPN's public JSON with its validators and its manners, and the sports channel's socket.

Manners (../shared/sports/FACTS.md §1): date ranges fail with 400, custom and browser user agents get 403, every answer
has an ETag and an unchanged one is a 304. The channel at `/ws` is Polymarket's: no subscription, a frame per change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from venues.leagues import LEAGUES, League, by_espn_path
from venues.simulator import espn_board
from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.espn_sports import SportsChannel
from venues.simulator.games.sheet import Fixture, Sheet

_SITE = "/apis/site/v2/sports/{sport}/{league}"
_LIBRARIES = ("python-httpx/", "python-requests/", "Python-urllib/", "Python/", "aiohttp/", "curl/")
_BAD_DATES = b'{"code":400,"message":"Failed to get events endpoint."}'


class EspnFace:
    """`games` are all games of the world; `now_ms` its virtual time."""

    def __init__(
        self, *, games: Callable[[], Iterable[tuple[Fixture, Sheet]]], now_ms: Callable[[], int], sports: SportsChannel
    ) -> None:
        self._games = games
        self._now_ms = now_ms
        self._sports = sports

    def router(self) -> Router:
        router = Router(not_found=Reply(status=404, body=b'{"code":404,"message":"Not Found"}'))
        router.get(f"{_SITE}/scoreboard", self.scoreboard)
        router.get(f"{_SITE}/summary", self.summary)
        router.get("/apis/personalized/v2/scoreboard/header", self.header)
        router.websocket("/ws", self._sports.connect)
        return router

    def scoreboard(self, request: Request) -> Reply:
        league = by_espn_path(f"{request.params['sport']}/{request.params['league']}")
        refusal = _refusal(request, league)
        if refusal is not None or league is None:
            return refusal or _not_found()
        dates, limit = request.one("dates"), request.one("limit")
        if not (dates == "" or (dates.isdigit() and len(dates) in (4, 6, 8))):
            return Reply(status=400, body=_BAD_DATES)
        games = espn_board.on_days(self._of(league), dates, self._now_ms())
        body = espn_board.scoreboard(league, games, limit=int(limit) if limit.isdigit() else 0, now_ms=self._now_ms())
        return _validated(request, body)

    def summary(self, request: Request) -> Reply:
        league = by_espn_path(f"{request.params['sport']}/{request.params['league']}")
        refusal = _refusal(request, league)
        if refusal is not None or league is None:
            return refusal or _not_found()
        wanted = request.one("event")
        for fixture, sheet in self._of(league):
            if fixture.event_id == wanted:
                return _validated(request, espn_board.summary(league, fixture, sheet))
        return _not_found()

    def header(self, request: Request) -> Reply:
        if not _is_library(request):
            return Reply(status=403, body=b"", content_type="text/html")
        path = f"{request.one('sport')}/{request.one('league')}"
        chosen = [league for league in LEAGUES.values() if path in ("/", league.espn, f"{league.sport}/")]
        days = [(one, espn_board.on_days(self._of(one), request.one("dates"), self._now_ms())) for one in chosen]
        return _validated(request, espn_board.header([(one, games) for one, games in days if games or path != "/"]))

    def _of(self, league: League) -> Iterable[tuple[Fixture, Sheet]]:
        return [(fixture, sheet) for fixture, sheet in self._games() if fixture.league == league.code]


def _refusal(request: Request, league: League | None) -> Reply | None:
    if not _is_library(request):
        return Reply(status=403, body=b"", content_type="text/html")
    return _not_found() if league is None else None


def _is_library(request: Request) -> bool:
    agent = request.headers.get("user-agent", "")
    return not agent or agent.startswith(_LIBRARIES)


def _not_found() -> Reply:
    return Reply(status=404, body=b'{"code":404,"message":"Not Found"}')


def _validated(request: Request, body: dict[str, Any]) -> Reply:
    """The body with its ETag, or 304 when the client has it already."""
    raw = msgspec.json.encode(body)
    tag = f'"{hashlib.sha1(raw, usedforsecurity=False).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "max-age=1"}
    if request.headers.get("if-none-match") == tag:
        return Reply(status=304, headers=headers)
    return Reply(body=raw, headers=headers)
