"""The ESPN game feed: polls boards politely and hands on a game when something about it changed, or while it is on.

One request per league and US-Eastern day (yesterday, today, tomorrow), with the validators of the last reply, at most
three a second, seldom when nothing is on. A failed board backs off alone; the feed says it is down only while every
board fails. The user agent is the HTTP library's own, because ESPN refuses all others.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from urllib.parse import urlencode

import msgspec
import structlog

from venues.eastern import days_around
from venues.errors import NotFoundAtVenue, OutcomeUnknown, Throttled, VenueError
from venues.espn.constants import (
    FORGET_AFTER_S,
    GROUPS_LIMIT,
    HEADER_PATH,
    LIVE_EVERY_S,
    PRODUCTION,
    REQUESTS_PER_S,
    SCOREBOARD_PATH,
    SUMMARY_PATH,
)
from venues.espn.parse import GameSummary, Parsed, parse_header, parse_scoreboard, parse_summary
from venues.espn.schedule import Board
from venues.leagues import League, league
from venues.ports import FrameTap, Sink
from venues.transport.http import HttpReply, HttpTransport
from venues.transport.limiter import RateLimiter
from venues.types import FeedStatus, GameState
from venues.unknown_fields import UNKNOWN_FIELDS

log = structlog.get_logger(__name__)

FEED = "espn"
_SHORTEST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


class EspnFeed:
    """Games of some leagues. `clock_ms` is the clock games live in; `pace` how many of its seconds pass in a real one.

    A simulation at 20 times the speed gives `pace=lambda: 20.0` and is polled 20 times as often. `unknown` counts
    fields nobody here knows; `problems` has a sentence for every event that could not be read, and its league.
    """

    def __init__(
        self,
        base_url: str = PRODUCTION,
        *,
        leagues: Iterable[str],
        clock_ms: Callable[[], int],
        tap: FrameTap | None = None,
        pace: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.unknown: Counter[str] = Counter()
        self.problems: dict[str, str] = {}
        self.sockets: tuple[()] = ()
        self._leagues = tuple(league(code) for code in leagues)
        self._clock_ms = clock_ms
        self._pace = pace
        self._tap = tap
        self._http = HttpTransport(base_url=base_url, name=FEED)
        self._limiter = RateLimiter()
        self._boards: dict[tuple[str, date], Board] = {}
        self._games: dict[str, GameState] = {}

    async def run(self, sink: Sink) -> None:
        """Poll for ever; games worth telling and changes of the feed's own health go to `sink`. Cancel to stop."""
        is_up: bool | None = None
        while True:
            errors: list[VenueError] = []
            asked = await self._poll_due(sink, errors)
            if asked and (is_up is None or is_up != (len(errors) < asked)):
                is_up = len(errors) < asked
                sink(FeedStatus(FEED, is_up, "" if is_up else errors[-1].message))
            await asyncio.sleep(self._pause_s())

    async def poll_once(self) -> list[GameState]:
        """Ask every board that is due by the clock and return what is worth telling, for a replay in lock-step.

        Raises the first error, after all boards. Real time counts only for the rate limit, which `pace` widens.
        """
        told: list[GameState] = []
        errors: list[VenueError] = []
        await self._poll_due(told.append, errors)
        if errors:
            raise errors[0]
        return told

    async def summary(self, league_code: str, event_id: str) -> GameSummary:
        """One game with its plays and ESPN's win probabilities."""
        one = league(league_code)
        path = f"{SUMMARY_PATH.format(espn=one.espn)}?{urlencode({'event': event_id})}"
        reply = _checked(await self._get(path))
        parsed = parse_summary(reply.body, one, source_ms=self._tapped(f"espn.summary.{one.code}", reply))
        self._count(parsed.unknown)
        return parsed

    async def header(self, league_code: str, day: date) -> Parsed:
        """The compact board of a league and day; for cricket of all its leagues."""
        one = league(league_code)
        reply = _checked(await self._get(_header_path(one, day)))
        parsed = parse_header(reply.body, source_ms=self._tapped(f"espn.header.{one.code}", reply))
        self._count(parsed.unknown)
        return parsed

    def game(self, game_id: str) -> GameState | None:
        """The last known state."""
        return self._games.get(game_id)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _poll_due(self, emit: Callable[[GameState], None], errors: list[VenueError]) -> int:
        """Ask all due boards, one after the other. Returns how many were asked."""
        now_ms = self._clock_ms()
        rate = REQUESTS_PER_S * max(1.0, self._pace())
        self._limiter.configure(FEED, capacity=rate, refill_per_s=rate)
        due = [board for board in self._refreshed(now_ms) if board.due_ms <= now_ms]
        for board in due:
            try:
                board.games = await self._ask(board)
            except VenueError as error:
                board.failed(self._clock_ms())
                errors.append(error)
                log.warning("espn_board_failed", league=board.league.code, day=str(board.day), reason=error.message)
                continue
            board.succeeded(self._clock_ms())
            for game in self._worth_telling(board.games):
                emit(game)
        return len(due)

    def _refreshed(self, now_ms: int) -> list[Board]:
        """The boards of the days around now; yesterday's and older ones go when the day turns."""
        wanted = {(one.code, day): one for one in self._leagues for day in days_around(now_ms)}
        if wanted.keys() != self._boards.keys():
            self._boards = {key: self._boards.get(key) or Board(one, key[1]) for key, one in wanted.items()}
            horizon_ms = now_ms - FORGET_AFTER_S * 1000
            self._games = {key: game for key, game in self._games.items() if game.start_ms >= horizon_ms}
        return list(self._boards.values())

    async def _ask(self, board: Board) -> tuple[GameState, ...]:
        """The board's games; those it had when ESPN says that nothing changed."""
        reply = await self._get(_board_path(board), _validators(board))
        if reply.status == 304:
            return board.games
        _checked(reply)
        source_ms = self._tapped(f"espn.scoreboard.{board.league.code}", reply)
        if board.league.sport == "cricket":
            parsed = parse_header(reply.body, source_ms=source_ms)
        else:
            parsed = parse_scoreboard(reply.body, board.league, source_ms=source_ms)
        board.etag = reply.headers.get("etag", "")
        board.last_modified = reply.headers.get("last-modified", "")
        self._note(board, parsed)
        return parsed.games

    def _worth_telling(self, games: Iterable[GameState]) -> list[GameState]:
        """Those that differ from what was known in anything but the time of asking, and every game that is on: hearing
        an unchanged state again is what keeps its clock fresh for the trader."""
        told = []
        for game in games:
            known = self._games.get(game.game_id)
            is_same = known is not None and msgspec.structs.replace(known, source_ms=game.source_ms) == game
            if not is_same or game.status.is_live:
                self._games[game.game_id] = game
                told.append(game)
        return told

    def _count(self, unknown: Counter[str]) -> None:
        self.unknown += unknown
        UNKNOWN_FIELDS.note_all(FEED, unknown)

    def _note(self, board: Board, parsed: Parsed) -> None:
        self._count(parsed.unknown)
        for problem in parsed.problems:
            if problem not in self.problems:
                log.warning("espn_event_unreadable", league=board.league.code, reason=problem)
            self.problems[problem] = board.league.code

    def _pause_s(self) -> float:
        """Real seconds until the next board is due."""
        now_ms = self._clock_ms()
        due_ms = min((board.due_ms for board in self._boards.values()), default=now_ms + int(LIVE_EVERY_S * 1000))
        pause_s = (due_ms - now_ms) / 1000 / max(self._pace(), 0.001)
        return min(max(pause_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> HttpReply:
        await self._limiter.acquire(FEED)
        return await self._http.send("GET", path, headers=headers or {})

    def _tapped(self, stream: str, reply: HttpReply) -> int:
        """Show the raw reply to the tape; returns the time of the data."""
        if self._tap is not None:
            self._tap(stream, reply.body, time.time_ns() // 1000)
        return self._clock_ms()


def _board_path(board: Board) -> str:
    if board.league.sport == "cricket":
        return _header_path(board.league, board.day)
    query = {"dates": f"{board.day:%Y%m%d}"}
    if board.league.groups:
        query |= {"groups": board.league.groups, "limit": str(GROUPS_LIMIT)}
    return f"{SCOREBOARD_PATH.format(espn=board.league.espn)}?{urlencode(query)}"


def _header_path(one: League, day: date) -> str:
    query = {"sport": one.sport, "dates": f"{day:%Y%m%d}", "tz": "America/New_York"}
    if one.sport != "cricket":
        query["league"] = one.espn_league
    return f"{HEADER_PATH}?{urlencode(query)}"


def _validators(board: Board) -> dict[str, str]:
    """What lets ESPN's cache answer 304 without a body."""
    headers = {}
    if board.etag:
        headers["if-none-match"] = board.etag
    if board.last_modified:
        headers["if-modified-since"] = board.last_modified
    return headers


def _checked(reply: HttpReply) -> HttpReply:
    """Raises Throttled, NotFoundAtVenue or OutcomeUnknown unless the status is 200."""
    if reply.status == 200:
        return reply
    if reply.status == 429:
        told = reply.headers.get("retry-after", "")
        raise Throttled("ESPN asks us to slow down.", retry_after_s=float(told) if told.isdigit() else None)
    if reply.status == 404:
        raise NotFoundAtVenue("ESPN has no such board or game.", status=404)
    hint = " (it refuses custom user agents)" if reply.status == 403 else ""
    raise OutcomeUnknown(f"ESPN answered HTTP {reply.status}{hint}.", status=reply.status)
