"""The feed against a small HTTP server that keeps boards as ESPN does: by league and eastern day, with validators."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from tests.venues.espn.test_parse import EVENT
from venues.eastern import eastern_ms
from venues.errors import OutcomeUnknown, Throttled
from venues.espn.client import EspnFeed
from venues.types import FeedStatus, GameState, GameStatus, Message
from venues.unknown_fields import UNKNOWN_FIELDS

NOON = eastern_ms(date(2026, 1, 9), hour=12)


class Boards:
    """The server: events by (path, day), every request remembered, a status to answer with when told."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        self.status = 200
        self.not_modified = 0
        self.url = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines[1:]) if key}
                target = urlsplit(lines[0].split()[1])
                query = parse_qs(target.query)
                self.requests.append((target.path, query, headers))
                writer.write(self._reply(query, headers))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _reply(self, query: dict[str, list[str]], headers: dict[str, str]) -> bytes:
        body = msgspec.json.encode({"events": self.events.get(query.get("dates", [""])[0], [])})
        tag = f'"{hash(body)}"'
        if self.status == 200 and headers.get("if-none-match") == tag:
            self.not_modified += 1
            return b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n"
        head = f"HTTP/1.1 {self.status} X\r\nETag: {tag}\r\nContent-Length: {len(body)}\r\nRetry-After: 4\r\n\r\n"
        return head.encode() + body


class Clock:
    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def event(**status: Any) -> dict[str, Any]:
    made = copy.deepcopy(EVENT)
    made["competitions"][0]["status"] |= {"type": {"state": "in", "name": "STATUS_IN_PROGRESS"}, **status}
    return made


@pytest.fixture
async def boards() -> AsyncIterator[Boards]:
    served = Boards()
    server = await asyncio.start_server(served, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield served
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
async def feed(boards: Boards, clock: Clock) -> AsyncIterator[EspnFeed]:
    made = EspnFeed(boards.url, leagues=["nba"], clock_ms=clock)
    yield made
    await made.aclose()


async def test_the_days_around_today_are_asked_one_by_one(feed: EspnFeed, boards: Boards) -> None:
    await feed.poll_once()
    assert [(path, query["dates"]) for path, query, _ in boards.requests] == [
        ("/apis/site/v2/sports/basketball/nba/scoreboard", ["20260108"]),
        ("/apis/site/v2/sports/basketball/nba/scoreboard", ["20260109"]),
        ("/apis/site/v2/sports/basketball/nba/scoreboard", ["20260110"]),
    ]
    assert all(headers["user-agent"].startswith("python-httpx/") for _, _, headers in boards.requests)


async def test_college_boards_ask_for_every_game_within_the_limit(boards: Boards, clock: Clock) -> None:
    feed = EspnFeed(boards.url, leagues=["ncaam"], clock_ms=clock)
    await feed.poll_once()
    await feed.aclose()
    assert all((query["groups"], query["limit"]) == (["50"], ["500"]) for _, query, _ in boards.requests)


async def test_a_game_that_is_on_is_told_at_every_poll_so_that_its_clock_stays_fresh(
    feed: EspnFeed, boards: Boards, clock: Clock
) -> None:
    boards.events["20260109"] = [event()]
    first = await feed.poll_once()
    assert [(game.game_id, game.status) for game in first] == [("espn:1", GameStatus.IN_PROGRESS)]
    clock.now_ms += 10_000
    again = await feed.poll_once()
    assert [(game.game_id, game.clock_text) for game in again] == [("espn:1", first[0].clock_text)]
    boards.events["20260109"] = [event(clock=80.0, displayClock="1:20")]
    clock.now_ms += 10_000
    second = await feed.poll_once()
    assert [game.clock_text for game in second] == ["1:20"]
    assert second[0].source_ms == clock.now_ms
    assert feed.game("espn:1") == second[0]


async def test_live_boards_are_asked_every_ten_seconds_and_quiet_ones_seldom(
    feed: EspnFeed, boards: Boards, clock: Clock
) -> None:
    boards.events["20260109"] = [event()]
    await feed.poll_once()
    boards.requests.clear()
    for _ in range(60):
        clock.now_ms += 1_000
        await feed.poll_once()
    assert [query["dates"] for _, query, _ in boards.requests] == [["20260109"]] * 6


async def test_an_unchanged_board_is_not_sent_again(feed: EspnFeed, boards: Boards, clock: Clock) -> None:
    boards.events["20260109"] = [event()]
    await feed.poll_once()
    clock.now_ms += 10_000
    assert [game.game_id for game in await feed.poll_once()] == ["espn:1"], "304 says that it still is as it was"
    assert boards.not_modified == 1
    clock.now_ms += 10_000
    boards.requests.clear()
    await feed.poll_once()
    assert len(boards.requests) == 1, "a board that is not modified keeps its pace"


async def test_a_new_day_brings_its_own_board_and_forgets_the_oldest(
    feed: EspnFeed, boards: Boards, clock: Clock
) -> None:
    await feed.poll_once()
    boards.requests.clear()
    clock.now_ms = eastern_ms(date(2026, 1, 10), minute=1)
    await feed.poll_once()
    assert ["20260111"] in [query["dates"] for _, query, _ in boards.requests]
    assert ["20260108"] not in [query["dates"] for _, query, _ in boards.requests]


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (403, OutcomeUnknown), (500, OutcomeUnknown)])
async def test_a_failing_board_raises_and_is_left_alone_for_a_while(
    feed: EspnFeed, boards: Boards, clock: Clock, status: int, error: type[Exception]
) -> None:
    boards.status = status
    with pytest.raises(error):
        await feed.poll_once()
    boards.requests.clear()
    clock.now_ms += 9_000
    assert await feed.poll_once() == []
    assert boards.requests == []
    boards.status = 200
    clock.now_ms += 1_000
    await feed.poll_once()
    assert len(boards.requests) == 3


async def test_the_tape_sees_each_raw_reply_once(boards: Boards, clock: Clock) -> None:
    seen: list[tuple[str, bytes | str]] = []
    feed = EspnFeed(
        boards.url, leagues=["nba"], clock_ms=clock, tap=lambda stream, frame, _: seen.append((stream, frame))
    )
    await feed.poll_once()
    clock.now_ms += 900_000
    await feed.poll_once()
    await feed.aclose()
    assert seen == [("espn.scoreboard.nba", b'{"events":[]}')] * 3


async def test_unknown_fields_and_unreadable_events_are_kept_for_the_operator(feed: EspnFeed, boards: Boards) -> None:
    boards.events["20260109"] = [event() | {"mood": 1}, {"id": "9", "competitions": [{"id": "9"}]}]
    assert len(await feed.poll_once()) == 1
    assert feed.unknown == {"Event.mood": 1}
    assert UNKNOWN_FIELDS.summary()["espn"]["latest"] == "Event.mood"
    assert feed.problems == {"Event 9: Competition 9 has no status.": "nba"}


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"never: {what}"
        await asyncio.sleep(0.01)


async def test_running_in_a_fast_world_polls_fast_and_reports_the_feeds_health(boards: Boards) -> None:
    clock, loop = Clock(NOON), asyncio.get_running_loop()
    started = loop.time()
    feed = EspnFeed(
        boards.url,
        leagues=["nba"],
        clock_ms=lambda: clock.now_ms + int((loop.time() - started) * 100_000),
        pace=lambda: 100.0,
    )
    seen: list[Message] = []
    boards.events["20260109"] = [event()]
    task = asyncio.ensure_future(feed.run(seen.append))
    await until(lambda: any(isinstance(one, GameState) for one in seen), "the game")
    boards.status = 500
    await until(lambda: FeedStatus("espn", False, "ESPN answered HTTP 500.") in seen, "the loss")
    boards.status = 200
    boards.events["20260109"] = [event(clock=5.0)]
    await until(lambda: seen[-1] == FeedStatus("espn", True), "the recovery")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await feed.aclose()
    assert [one for one in seen if isinstance(one, FeedStatus)] == [
        FeedStatus("espn", True),
        FeedStatus("espn", False, "ESPN answered HTTP 500."),
        FeedStatus("espn", True),
    ]
