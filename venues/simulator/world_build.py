"""Makes contests: lists a fixture at both venues and binds its game, its flow and its markets.

The same builder makes a run's first games, those the calendar adds, those of a tape, and those of a saved world.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec

from venues.simulator import world_kalshi, world_polymarket
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import MarketSpec
from venues.simulator.flow.generated import FlowState, GeneratedFlow
from venues.simulator.flow.quoted import Quoted, Side
from venues.simulator.games.game import Game
from venues.simulator.games.sheet import Fixture, Sheet
from venues.simulator.kalshi_catalog import KalshiCatalog
from venues.simulator.polymarket_listing import Catalogue, EventListing
from venues.simulator.replay.flow import RecordedFlow
from venues.simulator.replay.game import RecordedGame
from venues.simulator.replay.tape import RecordedGameTape
from venues.simulator.world_contest import DECIDES_MS, Contest
from venues.types import MarketState, Venue

_LISTED_BEFORE_MS = 24 * 3_600_000


class SavedContest(msgspec.Struct):
    """A contest as it is written to the world's snapshot. `flow` is None for recorded games."""

    fixture: Fixture
    sheet: Sheet
    flow: FlowState | None
    listed_ms: int
    decided_ms: dict[Venue, int]


class Builder:
    """`rate` scales how often flows act; `polymarket_settle_ms` is from a game's end to the payment."""

    def __init__(
        self,
        *,
        kalshi: Exchange,
        polymarket: Exchange,
        catalog: KalshiCatalog,
        catalogue: Catalogue,
        seed: int,
        rate: float,
        polymarket_settle_ms: int,
    ) -> None:
        self.exchanges: Mapping[Venue, Exchange] = {Venue.KALSHI: kalshi, Venue.POLYMARKET: polymarket}
        self.events: dict[str, EventListing] = {}
        self._catalog = catalog
        self._catalogue = catalogue
        self._seed = seed
        self._rate = rate
        self._settle_ms = polymarket_settle_ms
        self._listed_ms: dict[str, int] = {}
        world_kalshi.list_series(catalog)

    def generated(self, fixture: Fixture, *, now_ms: int) -> Contest:
        """A new game, played up to `now_ms` if it has begun already, with both venues listing it."""
        game = Game.scheduled(fixture, seed=self._seed)
        game.advance(now_ms)
        opening = GeneratedFlow.opening_state(fixture.event_id, seed=self._seed, home=game.odds.home, now_ms=now_ms)
        listed_ms = min(now_ms, fixture.start_ms - _LISTED_BEFORE_MS)
        return self._bind(game, opening, listed_ms=listed_ms, now_ms=now_ms, decided_ms={})

    def restored(self, saved: SavedContest, *, now_ms: int) -> Contest:
        """A game out of a snapshot. Its books are empty, so it is quoted at once; markets that were decided are listed
        in the state they had reached."""
        game = Game(saved.fixture, saved.sheet)
        flow = saved.flow or GeneratedFlow.opening_state(
            saved.fixture.event_id, seed=self._seed, home=game.odds.home, now_ms=now_ms
        )
        for mood in flow.moods.values():
            mood.next_ms = min(mood.next_ms, now_ms)
        return self._bind(game, flow, listed_ms=saved.listed_ms, now_ms=now_ms, decided_ms=saved.decided_ms)

    def recorded(self, tape: RecordedGameTape, *, now_ms: int, decided_ms: dict[Venue, int]) -> Contest:
        """A recorded game, shown up to `now_ms`."""
        game = RecordedGame(tape)
        game.advance(now_ms)
        quoted = self._list(game.fixture, now_ms - _LISTED_BEFORE_MS, now_ms, decided_ms)
        flow = RecordedFlow(tape, quoted, self.exchanges, seed=self._seed, now_ms=now_ms)
        return self._decided(
            Contest(game, flow, quoted, self.exchanges, decided_ms=decided_ms, trades_until_ms=tape.end_ms), now_ms
        )

    def saved(self, contest: Contest) -> SavedContest:
        """What `restored` needs to make this contest again."""
        game, flow = contest.game, contest.flow
        return SavedContest(
            fixture=game.fixture,
            sheet=game.sheet,
            flow=flow.state if isinstance(flow, GeneratedFlow) else None,
            listed_ms=self._listed_ms[game.fixture.event_id],
            decided_ms=contest.decided_ms,
        )

    def _bind(
        self, game: Game, state: FlowState, *, listed_ms: int, now_ms: int, decided_ms: dict[Venue, int]
    ) -> Contest:
        quoted = self._list(game.fixture, listed_ms, now_ms, decided_ms)
        flow = GeneratedFlow(quoted, self.exchanges, sport=game.fixture.sport, state=state, rate=self._rate)
        flow.resume(game.odds, is_live=game.is_live)
        return self._decided(Contest(game, flow, quoted, self.exchanges, decided_ms=decided_ms), now_ms)

    def _decided(self, contest: Contest, now_ms: int) -> Contest:
        """Take the markets of a saved contest to the result they had already."""
        for quoted in contest.quoted:
            if quoted.venue in contest.decided_ms:
                exchange = self.exchanges[quoted.venue]
                exchange.determine(quoted.native_id, contest.value_u(quoted), now_ms)
        return contest

    def _list(
        self, fixture: Fixture, listed_ms: int, now_ms: int, decided_ms: Mapping[Venue, int]
    ) -> tuple[Quoted, ...]:
        self._listed_ms[fixture.event_id] = listed_ms
        kalshi = world_kalshi.list_game(self._catalog, fixture, listed_ms=listed_ms)
        timer_ms = max(0, self._settle_ms - DECIDES_MS[Venue.POLYMARKET])
        event, polymarket = world_polymarket.list_game(
            self._catalogue, fixture, listed_ms=listed_ms, settle_timer_ms=timer_ms
        )
        self.events[fixture.event_id] = event
        quoted = []
        for venue, specs in ((Venue.KALSHI, kalshi), (Venue.POLYMARKET, polymarket)):
            for spec, side in specs:
                self._add_market(venue, spec, now_ms, decided_ms.get(venue))
                quoted.append(_quoted(venue, spec, side))
        return tuple(quoted)

    def _add_market(self, venue: Venue, spec: MarketSpec, now_ms: int, decided_ms: int | None) -> None:
        """A market that was decided before keeps only what is left of its settlement timer."""
        state = None
        if decided_ms is not None:
            left_ms = max(1, decided_ms + spec.settle_timer_ms - now_ms)
            spec, state = msgspec.structs.replace(spec, settle_timer_ms=left_ms), MarketState.CLOSED
        self.exchanges[venue].add_market(spec, now_ms, state=state)


def _quoted(venue: Venue, spec: MarketSpec, side: Side) -> Quoted:
    return Quoted(venue=venue, native_id=spec.native_id, side=side, number=zlib.crc32(spec.native_id.encode()))
