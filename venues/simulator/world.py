"""The world behind both venues: games, flows and markets on one virtual time line.

Everything that happens is a moment: a score, a quote, a timer of an exchange. The world goes from moment to moment in
order of time, so how often and how far it is told to advance changes nothing: same seed, same events, same digest.
Clients act between moments and are seen by the exchanges only; no flow and no game looks at them.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping

import msgspec

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import BookChanged, ExchangeEvent, MarketChanged, Traded
from venues.simulator.world_contest import Contest
from venues.types import MarketState, Venue

More = Callable[[int], Iterable[Contest]]
"""Makes and lists the contests that the calendar adds at a moment."""


class World:
    """Owns virtual time. `more` is asked for new contests whenever a game has ended; `events` counts what happened."""

    def __init__(
        self, exchanges: Mapping[Venue, Exchange], *, now_ms: int, more: More, digest: bytes = b"", events: int = 0
    ) -> None:
        self.now_ms = now_ms
        self.contests: list[Contest] = []
        self._running: list[Contest] = []
        self.events = events
        self.game_listeners: list[Callable[[Contest, int], None]] = []
        self._exchanges = exchanges
        self._more = more
        self._digest = digest
        self._agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self._numbers = itertools.count()

    def begin(self, contests: Iterable[Contest]) -> None:
        """Take up the first contests; from here on everything counts in the digest."""
        self._add(contests)
        for exchange in self._exchanges.values():
            exchange.subscribe(self._hash)

    @property
    def digest(self) -> str:
        """A running SHA-256 over all public events of both venues and all game states, in order."""
        return self._digest.hex()

    @property
    def is_finished(self) -> bool:
        """Every game has ended and every market is settled."""
        return not any(contest.game.next_ms for contest in self.contests) and all(
            market.state is MarketState.SETTLED
            for exchange in self._exchanges.values()
            for market in exchange.markets()
        )

    def advance(self, to_ms: int, *, budget: int = 1_000_000) -> bool:
        """Live through the moments until `to_ms`, at most `budget` of them; True when `to_ms` was reached."""
        while (moment := self.next_ms()) is not None and moment <= to_ms:
            if budget == 0:
                return False
            budget -= 1
            self._live(max(moment, self.now_ms))
        self.now_ms = max(self.now_ms, to_ms)
        return True

    def at(self, due_ms: int, callback: Callable[[int], None]) -> None:
        """Put something on the agenda; it is called with its moment."""
        heapq.heappush(self._agenda, (due_ms, next(self._numbers), callback))

    def next_ms(self) -> int | None:
        """The next moment at which something happens."""
        moments = [contest.next_ms for contest in self._running]
        moments += [exchange.next_due_ms() for exchange in self._exchanges.values()]
        moments += [self._agenda[0][0]] if self._agenda else []
        return min((moment for moment in moments if moment is not None), default=None)

    def _live(self, moment: int) -> None:
        self.now_ms = moment
        for exchange in self._exchanges.values():
            exchange.advance(moment)
        due = [contest for contest in self._running if (contest.next_ms or moment) <= moment]
        for contest in due:
            self._let_happen(contest, moment)
            if contest.next_ms is None:
                self._running.remove(contest)
        while self._agenda and self._agenda[0][0] <= moment:
            heapq.heappop(self._agenda)[2](moment)

    def _let_happen(self, contest: Contest, moment: int) -> None:
        if not contest.happen(moment):
            return
        sheet = contest.game.sheet
        self._absorb(contest.game.fixture.event_id, sheet.status, sheet.period, sheet.clock_s, sheet.home, sheet.away)
        for listener in self.game_listeners:
            listener(contest, moment)
        if contest.game.is_final:
            self._add(self._more(moment))

    def _add(self, contests: Iterable[Contest]) -> None:
        added = list(contests)
        self.contests += added
        self._running += added

    def _hash(self, event: ExchangeEvent) -> None:
        self.events += 1
        match event:
            case BookChanged():
                self._absorb(event.native_id, event.is_bid, event.price_u, event.qty_u, event.venue_ms)
            case Traded():
                self._absorb(event.native_id, event.yes_price_u, event.qty_u, event.is_taker_bid, event.venue_ms)
            case MarketChanged():
                self._absorb(event.native_id, event.state, event.value_u, event.venue_ms)
            case _:
                return

    def _absorb(self, *values: object) -> None:
        self._digest = hashlib.sha256(self._digest + msgspec.json.encode(values)).digest()
