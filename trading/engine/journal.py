"""What is worth keeping but must not stand before an order: decisions, prices, games, market states, alerts.

Story: the engine notes things as they happen; once a second everything noted is written in one go on a thread of its
own. Invariant: notes are bounded (prices are thinned, games are conflated to their latest state); a batch that cannot
be written is kept for the next attempt, up to `NOTES_MAX` decisions.
"""

from __future__ import annotations

from collections import deque

import structlog

from accounts.models import User
from markets.services import (
    PriceSample,
    baseline_record,
    games_upsert,
    market_state_set,
    price_points_record,
)
from notifications.models import AlertLevel
from notifications.services import alert_raise
from trading.domain.commands import Decision, RaiseAlert, StoreBaseline
from trading.engine.database import AWAY, DatabaseThread
from trading.services.decisions import decisions_record
from venues.types import GameState, MarketState, MarketStateChanged

log = structlog.get_logger(__name__)

NOTES_MAX = 20_000


class Journal:
    """Collects on the event loop, writes on its own database thread."""

    def __init__(self, *, user: User, database: DatabaseThread) -> None:
        self._user = user
        self._database = database
        self._decisions: deque[Decision] = deque(maxlen=NOTES_MAX)
        self._prices: deque[PriceSample] = deque(maxlen=NOTES_MAX)
        self._games: dict[str, GameState] = {}
        self._states: deque[MarketStateChanged] = deque()
        self._baselines: deque[StoreBaseline] = deque()
        self._alerts: deque[RaiseAlert] = deque()
        self.decisions_noted = 0

    def note_decision(self, decision: Decision) -> None:
        self._decisions.append(decision)
        self.decisions_noted += 1

    def note_price(self, sample: PriceSample) -> None:
        self._prices.append(sample)

    def note_game(self, game: GameState) -> None:
        self._games[game.game_id] = game

    def note_state(self, change: MarketStateChanged) -> None:
        self._states.append(change)

    def note_baseline(self, command: StoreBaseline) -> None:
        self._baselines.append(command)

    def note_alert(self, alert: RaiseAlert) -> None:
        self._alerts.append(alert)

    async def flush(self) -> None:
        """Write everything noted so far; while the database is away the notes wait."""
        try:
            await self._flush_facts()
            await self._flush_history()
        except AWAY as error:
            log.error("journal_waits_for_database", error=str(error))

    async def _flush_facts(self) -> None:
        while self._games:
            batch = list(self._games.values())
            await self._database.call(games_upsert, games=batch)
            self._games = {key: game for key, game in self._games.items() if game not in batch}
        while self._states:
            change = self._states[0]
            await self._database.call(
                market_state_set,
                market_id=change.market_id,
                state=MarketState(change.state),
                result=change.result,
                value_u=change.settlement_value_u,
            )
            self._states.popleft()
        while self._baselines:
            kept = self._baselines[0].baseline
            await self._database.call(
                baseline_record,
                market_id=kept.market_id,
                mid_u2=kept.mid_u2,
                strength_u=kept.strength_u,
                is_late=kept.is_late,
            )
            self._baselines.popleft()

    async def _flush_history(self) -> None:
        if self._decisions:
            decisions = list(self._decisions)
            await self._database.call(decisions_record, user=self._user, batch=decisions)
            for _ in decisions:
                self._decisions.popleft()
        if self._prices:
            prices = list(self._prices)
            await self._database.call(price_points_record, batch=prices)
            for _ in prices:
                self._prices.popleft()
        while self._alerts:
            await self._database.call(_raise, self._user, self._alerts[0])
            self._alerts.popleft()


def _raise(user: User, alert: RaiseAlert) -> None:
    alert_raise(
        user=user,
        level=AlertLevel(alert.level),
        code=alert.code,
        title=alert.title,
        body=alert.body,
        subject_type=alert.subject_type,
        subject_uid=alert.subject_id,
        dedupe_key=alert.dedupe_key,
    )
