"""Shows the session to open pages: at most four times a second for a game that is watched, once for lists and the desk.

Invariant: nothing here changes what is traded, nothing is computed for a page that is not open, and what belongs to one
user (positions, cash, decisions) is in that user's topic only: games are everybody's. While the cache is away pages
stand still and trading goes on: no look at the cache keeps the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from asgiref.sync import sync_to_async

from core import live
from core.broadcast import AWAY
from trading.domain.session import Session
from trading.engine import views
from trading.engine.clock import Clock

log = structlog.get_logger(__name__)

GAME_EVERY_S = 0.25
LIST_EVERY_S = 1.0
WITHIN_S = 2.0
AWAY_PAUSE_S = 5.0
DAY_MS = 86_400_000

Status = Callable[[], dict[str, Any]]


class Publisher:
    """Reads the session, publishes payloads; `uids` maps native ids of games and markets to their public ids."""

    def __init__(
        self,
        *,
        session: Session,
        recent: views.Recent,
        clock: Clock,
        uids: Mapping[str, str],
        user_uid: str,
        status: Status,
    ) -> None:
        self._session = session
        self._recent = recent
        self._clock = clock
        self._uids = uids
        self._desk_topic = live.desk_topic(user_uid)
        self._status = status
        self._seq: dict[str, int] = {}
        self._is_away = False

    async def run(self) -> None:
        """Publish for ever; cancel to stop."""
        every = round(LIST_EVERY_S / GAME_EVERY_S)
        turn = 0
        while True:
            was_shown = await self.publish(with_lists=turn % every == 0)
            turn += 1
            await asyncio.sleep(GAME_EVERY_S if was_shown else AWAY_PAUSE_S)

    async def publish(self, *, with_lists: bool) -> bool:
        """Once. False when the cache did not take it in time, which is logged when it begins and when it ends."""
        try:
            async with asyncio.timeout(WITHIN_S):
                if with_lists:
                    await self.publish_lists()
                await self._publish_watched_games()
        except AWAY as problem:
            if not self._is_away:
                log.warning("pages_stand_still", problem=repr(problem))
            self._is_away = True
            return False
        if self._is_away:
            log.info("pages_go_on")
        self._is_away = False
        return True

    async def publish_lists(self) -> None:
        """The list of games and the desk."""
        await self._publish(live.GAMES_TOPIC, {"games": self._games()})
        await self._publish(self._desk_topic, self._desk())

    async def _publish_watched_games(self) -> None:
        topics = {live.game_topic(uid): game_id for game_id in self._session.games if (uid := self._uids.get(game_id))}
        for topic in await sync_to_async(live.watched)(list(topics)) if topics else ():
            await self._publish(topic, self._game(topics[topic]))

    async def _publish(self, topic: str, payload: dict[str, Any]) -> None:
        """Number it, date it, send it."""
        payload = {"at_ms": self._clock.now_ms(), "speed": self._clock.pace, **payload}
        self._seq[topic] = self._seq.get(topic, 0) + 1
        await live.publish(topic, {"seq": self._seq[topic], **payload})

    def _games(self) -> list[dict[str, Any]]:
        now_us = self._clock.now_us()
        by_game: dict[str, list[dict[str, Any]]] = {}
        for market in self._session.markets.values():
            uid = self._uids.get(market.market_id)
            if uid is not None and market.game is not None:
                by_game.setdefault(market.game.game_id, []).append(views.quote(market, uid, now_us))
        return [
            views.game_line(self._session.games[game_id], self._uids[game_id]) | {"markets": quotes}
            for game_id, quotes in by_game.items()
            if game_id in self._uids
        ]

    def _game(self, game_id: str) -> dict[str, Any]:
        now_us, uids = self._clock.now_us(), self._uids
        markets = [m for m in self._session.markets.values() if m.game is not None and m.game.game_id == game_id]
        shown = {market.market_id: uids[market.market_id] for market in markets if market.market_id in uids}
        return {
            "game": views.game_line(self._session.games[game_id], uids[game_id]),
            "markets": [
                views.market_detail(market, shown[market.market_id], self._recent, now_us)
                for market in markets
                if market.market_id in shown
            ],
            "rows_seq": self._status()["rows_seq"],
        }

    def _desk(self) -> dict[str, Any]:
        legs = views.open_legs(self._session)
        now_ms = self._clock.now_ms()
        money = views.money(self._session, legs, now_ms - now_ms % DAY_MS)
        positions = [{**leg, "market_uid": self._uids.get(leg["market_id"], "")} for leg in legs]
        return {**self._status(), **money, "positions": positions}
