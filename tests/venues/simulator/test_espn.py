"""The game feed's face over real sockets: ESPN's shapes and manners, read back by our own reader."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.venues.simulator.worlds import generated_world
from venues.eastern import eastern_date
from venues.espn.parse import parse_header, parse_scoreboard, parse_summary
from venues.leagues import league as league_of
from venues.simulator.asgi_server import AppServer
from venues.simulator.espn_app import EspnFace
from venues.simulator.espn_event import event_object
from venues.simulator.espn_sports import SportsChannel
from venues.simulator.games.game import Game
from venues.simulator.world import World
from venues.types import GameState, GameStatus

SITE = "/apis/site/v2/sports"


@pytest.fixture
async def feed() -> AsyncIterator[tuple[httpx.AsyncClient, World]]:
    world, _ = generated_world(games=12)
    face = EspnFace(
        games=lambda: [(contest.game.fixture, contest.game.sheet) for contest in world.contests],
        now_ms=lambda: world.now_ms,
        sports=SportsChannel(),
    )
    server = AppServer(face.router())
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client, world
    await server.stop()


async def test_a_scoreboard_lists_the_games_of_the_eastern_day(feed: tuple[httpx.AsyncClient, World]) -> None:
    client, world = feed
    reply = await client.get(f"{SITE}/basketball/nba/scoreboard")
    assert reply.status_code == 200
    board = reply.json()
    assert {"leagues", "season", "day", "events"} <= board.keys()
    listed = {event["id"] for event in board["events"]}
    mine = [c.game.fixture for c in world.contests if c.game.fixture.league == "nba"]
    today = eastern_date(world.now_ms)
    assert listed == {fixture.event_id for fixture in mine if eastern_date(fixture.start_ms) == today}
    other = await client.get(f"{SITE}/basketball/nba/scoreboard", params={"dates": "20200101"})
    assert other.json()["events"] == []


async def test_events_have_espns_shape(feed: tuple[httpx.AsyncClient, World]) -> None:
    client, world = feed
    world.advance(world.now_ms + 600_000)
    board = (await client.get(f"{SITE}/basketball/nba/scoreboard")).json()
    live = next(event for event in board["events"] if event["status"]["type"]["state"] == "in")
    competition = live["competitions"][0]
    home, away = competition["competitors"]
    assert (home["homeAway"], away["homeAway"]) == ("home", "away")
    assert isinstance(home["score"], str) and home["score"].isdigit()
    assert "odds" not in competition and competition["situation"]["lastPlay"]["text"]
    assert sum(line["value"] for line in home["linescores"]) == int(home["score"])
    assert set(live["status"]) == {"clock", "displayClock", "period", "type"}
    before = next(event for event in board["events"] if event["status"]["type"]["state"] == "pre")
    assert before["competitions"][0]["odds"][0]["moneyline"]["home"]["close"]["odds"]
    assert before["competitions"][0]["competitors"][0]["score"] == "0"
    assert before["status"]["type"]["detail"].endswith("EST")


async def test_an_unchanged_answer_is_not_sent_again(feed: tuple[httpx.AsyncClient, World]) -> None:
    client, world = feed
    path = f"{SITE}/hockey/nhl/scoreboard"
    tag = (await client.get(path)).headers["etag"]
    same = await client.get(path, headers={"if-none-match": tag})
    assert (same.status_code, same.content) == (304, b"")
    world.advance(world.now_ms + 600_000)
    assert (await client.get(path, headers={"if-none-match": tag})).status_code == 200


@pytest.mark.parametrize("agent", ["courtside/1.0", "Mozilla/5.0 (X11; Linux x86_64)"])
async def test_custom_and_browser_user_agents_are_refused(feed: tuple[httpx.AsyncClient, World], agent: str) -> None:
    reply = await feed[0].get(f"{SITE}/basketball/nba/scoreboard", headers={"user-agent": agent})
    assert reply.status_code == 403


async def test_date_ranges_fail_as_they_do_at_espn(feed: tuple[httpx.AsyncClient, World]) -> None:
    reply = await feed[0].get(f"{SITE}/basketball/nba/scoreboard", params={"dates": "20261120-20261121"})
    assert (reply.status_code, reply.json()["message"]) == (400, "Failed to get events endpoint.")


async def test_an_unknown_league_or_game_is_not_found(feed: tuple[httpx.AsyncClient, World]) -> None:
    for path in ("/basketball/nowhere/scoreboard", "/basketball/nba/summary?event=1"):
        assert (await feed[0].get(f"{SITE}{path}")).status_code == 404


async def test_our_reader_reads_every_league_as_the_world_has_it(feed: tuple[httpx.AsyncClient, World]) -> None:
    client, world = feed
    for _ in range(8):
        world.advance(world.now_ms + 15 * 60_000)
        for code in {contest.game.fixture.league for contest in world.contests}:
            for contest in [c for c in world.contests if c.game.fixture.league == code]:
                read = await _read(client, code, contest.game.fixture.start_ms)
                _assert_same(read[f"espn:{contest.game.fixture.event_id}"], contest.game)


async def _read(client: httpx.AsyncClient, code: str, start_ms: int) -> dict[str, GameState]:
    league = league_of(code)
    day = f"{eastern_date(start_ms):%Y%m%d}"
    reply = await client.get(f"{SITE}/{league.espn}/scoreboard", params={"dates": day})
    parsed = parse_scoreboard(reply.content, league, source_ms=0)
    return {game.game_id: game for game in parsed.games}


def _assert_same(read: GameState, game: Any) -> None:
    sheet = game.sheet
    if sheet.status is not GameStatus.BREAK:
        assert read.status is sheet.status
    assert (read.home_score, read.away_score) == (sheet.home, sheet.away)
    if sheet.status is GameStatus.FINAL:
        assert read.winner == sheet.winner
    if sheet.status is GameStatus.IN_PROGRESS and game.fixture.sport in ("basketball", "football", "hockey"):
        assert read.period == sheet.period and read.remaining_s is not None
    assert (read.home.name, read.away.name) == (game.fixture.home.display, game.fixture.away.display)


async def test_summary_and_header_are_read_back_too(feed: tuple[httpx.AsyncClient, World]) -> None:
    client, world = feed
    world.advance(world.now_ms + 600_000)
    contest = next(c for c in world.contests if c.game.fixture.league == "nba" and c.game.is_live)
    event = contest.game.fixture.event_id
    reply = await client.get(f"{SITE}/basketball/nba/summary", params={"event": event})
    summary = parse_summary(reply.content, league_of("nba"), source_ms=0)
    assert summary.game.game_id == f"espn:{event}"
    header = await client.get(
        "/apis/personalized/v2/scoreboard/header", params={"sport": "basketball", "league": "nba"}
    )
    assert f"espn:{event}" in {game.game_id for game in parse_header(header.content, source_ms=0).games}
    compact = header.json()["sports"][0]["leagues"][0]["events"][0]
    assert compact["status"] in ("pre", "in", "post") and compact["fullStatus"]["type"]["name"]


@pytest.mark.parametrize("code", ["nba", "ncaam", "nfl", "nhl", "mlb", "mls"])
def test_every_state_of_a_whole_game_has_a_status_that_espn_uses(code: str) -> None:
    from tests.venues.simulator.test_games import fixture

    names = set()
    for number in range(25):
        game = Game.scheduled(fixture(code, number), seed=1)
        while game.next_ms is not None:
            names.add(event_object(league_of(code), game.fixture, game.sheet)["status"]["type"]["name"])
            game.advance(game.next_ms)
        last = event_object(league_of(code), game.fixture, game.sheet)["status"]["type"]
        assert last["completed"] is True and last["state"] == "post"
    known = {
        *("STATUS_SCHEDULED", "STATUS_IN_PROGRESS", "STATUS_END_PERIOD", "STATUS_HALFTIME"),
        *("STATUS_FIRST_HALF", "STATUS_SECOND_HALF"),
    }
    assert names <= known
