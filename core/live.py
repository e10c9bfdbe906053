"""The freshest view of a topic for open pages: what the trader shows, what consumers read.

A payload is a plain dict of JSON values, kept in the cache under its topic and announced on the channel-layer group of
the same name. Invariant: it is a view and may be lost or late; rows are the truth. `seq` grows by one per payload of a
topic, so that a consumer notices a gap. A topic that nobody watches is not worth computing: consumers say that they
watch (`watch`), the trader asks (`is_watched`).
"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from core import broadcast

GAMES_TOPIC = "games"
CHANGED = "live.changed"
KEEP_S = 600
WATCH_S = 25


def game_topic(game_uid: object) -> str:
    return f"game.{game_uid}"


def desk_topic(user_uid: object) -> str:
    return f"desk.{user_uid}"


def latest(topic: str) -> dict[str, Any] | None:
    """The last payload of the topic; None when there is none or it is older than ten minutes."""
    payload: dict[str, Any] | None = cache.get(f"live:{topic}")
    return payload


def watch(topic: str) -> None:
    """Say that a page shows this topic; good for 25 s, so repeat every 10 s."""
    cache.set(f"watched:{topic}", True, WATCH_S)


def watched(topics: list[str]) -> set[str]:
    """Which of these are shown on some page now."""
    found = cache.get_many([f"watched:{topic}" for topic in topics])
    return {key.removeprefix("watched:") for key in found}


async def publish(topic: str, payload: dict[str, Any]) -> None:
    """Keep the payload as the latest of its topic and tell who listens. Runs on the server's (or trader's) loop."""
    await cache.aset(f"live:{topic}", payload, KEEP_S)
    await broadcast.send_async(topic, CHANGED, {"topic": topic, "seq": payload["seq"], "payload": payload})
