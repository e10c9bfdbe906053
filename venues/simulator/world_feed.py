"""What the public can know of the games: every source shows a score some seconds after it happened.

Markets move within a second or two of a score; ESPN, Polymarket's channel and Gamma, and Kalshi's live data follow
`lag_ms` later (../shared/sports/FACTS.md §9), so that a fall in price comes before the news that explains it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from venues.simulator import world_kalshi
from venues.simulator.espn_sports import SportsChannel, frame, progress_of
from venues.simulator.games.sheet import Fixture, Sheet
from venues.simulator.kalshi_catalog import KalshiCatalog
from venues.simulator.polymarket_face import PolymarketFace
from venues.simulator.polymarket_listing import EventListing
from venues.simulator.world import World
from venues.simulator.world_contest import Contest


class PublicFeed:
    """Follows the world's games; `shown` is what ESPN has of them."""

    def __init__(
        self,
        world: World,
        *,
        event_of: Callable[[str], EventListing],
        polymarket: PolymarketFace,
        catalog: KalshiCatalog,
        sports: SportsChannel,
        lag_ms: int,
    ) -> None:
        self._world = world
        self._event_of = event_of
        self._polymarket = polymarket
        self._catalog = catalog
        self._sports = sports
        self._lag_ms = lag_ms
        self._shown: dict[str, tuple[Fixture, Sheet]] = {}
        for contest in world.contests:
            self._show(contest.game.fixture, _copy(contest.game.sheet), world.now_ms)
        world.game_listeners.append(self._on_game)

    def shown(self) -> list[tuple[Fixture, Sheet]]:
        """Every game that is on the calendar, as far as it is public."""
        for contest in self._world.contests:
            fixture = contest.game.fixture
            if fixture.event_id not in self._shown:
                self._shown[fixture.event_id] = (fixture, _copy(contest.game.sheet))
        return list(self._shown.values())

    def _on_game(self, contest: Contest, now_ms: int) -> None:
        fixture, sheet = contest.game.fixture, _copy(contest.game.sheet)
        if self._lag_ms == 0:
            self._show(fixture, sheet, now_ms)
        else:
            self._world.at(now_ms + self._lag_ms, lambda moment: self._show(fixture, sheet, moment))

    def _show(self, fixture: Fixture, sheet: Sheet, now_ms: int) -> None:
        self._shown[fixture.event_id] = (fixture, sheet)
        event = self._event_of(fixture.event_id)
        progress = progress_of(event, fixture, sheet)
        self._polymarket.update_game(event.id, progress, now_ms)
        self._sports.publish(event.game_id, frame(event, fixture, progress))
        world_kalshi.show_progress(self._catalog, fixture, sheet, now_ms)


def _copy(sheet: Sheet) -> Sheet:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(sheet), type=Sheet)
