"""Whole worlds without servers, for tests."""

from __future__ import annotations

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES, POLYMARKET_RULES
from venues.simulator.flow.quoted import MAKER, TAKER
from venues.simulator.kalshi_catalog import KalshiCatalog
from venues.simulator.polymarket_listing import Catalogue
from venues.simulator.replay.tape import RecordedGameTape
from venues.simulator.world import World
from venues.simulator.world_build import Builder
from venues.simulator.world_contest import Contest
from venues.simulator.world_schedule import Calendar, read_scenario

SETTLE_MS = 7_200_000


def builder(seed: int = 7) -> Builder:
    exchanges = [Exchange(rules, seed=seed) for rules in (KALSHI_RULES, POLYMARKET_RULES)]
    for exchange in exchanges:
        for house in (MAKER, TAKER):
            exchange.open_account(house, 0, is_house=True)
    return Builder(
        kalshi=exchanges[0],
        polymarket=exchanges[1],
        catalog=KalshiCatalog(),
        catalogue=Catalogue(),
        seed=seed,
        rate=1.0,
        polymarket_settle_ms=SETTLE_MS,
    )


def generated_world(seed: int = 7, games: int = 10) -> tuple[World, Builder]:
    scenario, build = read_scenario(), builder(seed)
    calendar = Calendar(scenario, seed=seed, games=games)

    def more(now_ms: int) -> list[Contest]:
        unfinished = [contest.game.fixture for contest in world.contests if not contest.game.is_final]
        return [build.generated(fixture, now_ms=now_ms) for fixture in calendar.more(now_ms, unfinished)]

    world = World(build.exchanges, now_ms=scenario.epoch_ms, more=more)
    world.begin(build.generated(fixture, now_ms=scenario.epoch_ms) for fixture in calendar.opening())
    return world, build


def recorded_world(tape: RecordedGameTape, seed: int = 7) -> tuple[World, Builder]:
    build, now_ms = builder(seed), tape.start_ms - 15 * 60_000
    world = World(build.exchanges, now_ms=now_ms, more=lambda _: [])
    world.begin([build.recorded(tape, now_ms=now_ms, decided_ms={})])
    return world, build
