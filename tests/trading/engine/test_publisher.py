"""What pages see of a session: published when the cache takes it, and no trouble of the trader's when it does not."""

from __future__ import annotations

import asyncio

import pytest
from django.core.cache import cache
from django.test import override_settings

from core import live
from tests.trading.domain import scene
from trading.engine import views
from trading.engine.clock import SimulatedClock
from trading.engine.publisher import Publisher

UID = "0199-game"
REDIS = "django.core.cache.backends.redis.RedisCache"
NOBODY = {"default": {"BACKEND": REDIS, "LOCATION": "redis://127.0.0.1:1/0"}}


@pytest.fixture
def publisher() -> Publisher:
    play = scene.Scene()
    play.play(scene.game(detail="9:36 - 2nd Quarter"))
    return Publisher(
        session=play.session,
        recent=views.Recent(),
        clock=SimulatedClock(),
        uids={scene.GAME: UID},
        user_uid="0199-user",
        status=lambda: {"status": "running", "rows_seq": 1},
    )


async def test_a_watched_game_the_lists_and_the_desk_are_shown(publisher: Publisher):
    await asyncio.to_thread(cache.clear)
    await asyncio.to_thread(live.watch, live.game_topic(UID))
    assert await publisher.publish(with_lists=True)
    for topic in (live.GAMES_TOPIC, live.desk_topic("0199-user"), live.game_topic(UID)):
        shown = await asyncio.to_thread(live.latest, topic)
        assert shown is not None and shown["seq"] == 1


async def test_while_the_cache_is_away_it_goes_on_and_comes_back_by_itself(publisher: Publisher):
    with override_settings(CACHES=NOBODY):
        assert [await publisher.publish(with_lists=with_lists) for with_lists in (True, False)] == [False, False]
    assert await publisher.publish(with_lists=True)
