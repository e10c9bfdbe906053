"""One game with its markets at both venues, from the first quote to the last payment.

Story: the game moves, the flow quotes, and after the end each venue closes its markets and names the result in its own
time: Kalshi about a minute after the final whistle, Polymarket when the result is proposed to the oracle, ten minutes
later. The exchange pays when the market's settlement timer has run (two hours in all at Polymarket).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from venues.simulator.exchange import Exchange
from venues.simulator.flow.quoted import Quoted
from venues.simulator.games.sheet import Fixture, Odds, Sheet
from venues.types import MICRO, Venue

DECIDES_MS = {Venue.KALSHI: 75_000, Venue.POLYMARKET: 10 * 60_000}
"""How long after the end each venue names the result."""


class Played(Protocol):
    """A game, generated or recorded."""

    @property
    def fixture(self) -> Fixture: ...
    @property
    def sheet(self) -> Sheet: ...
    @property
    def odds(self) -> Odds: ...
    @property
    def next_ms(self) -> int | None: ...
    @property
    def is_final(self) -> bool: ...
    @property
    def is_live(self) -> bool: ...
    def advance(self, now_ms: int) -> bool: ...


class Flow(Protocol):
    """Who quotes and trades the game's markets."""

    @property
    def next_ms(self) -> int | None: ...
    def game_changed(self, odds: Odds, *, is_live: bool, now_ms: int) -> None: ...
    def stop(self, venue: Venue) -> None: ...
    def act(self, now_ms: int) -> None: ...


class Contest:
    """Binds a game, its flow and its markets. `decided_ms`: when a venue named the result, for those that have;
    `trades_until_ms`: recorded markets trade on after the final whistle."""

    def __init__(
        self,
        game: Played,
        flow: Flow,
        quoted: tuple[Quoted, ...],
        exchanges: Mapping[Venue, Exchange],
        *,
        decided_ms: dict[Venue, int],
        trades_until_ms: int = 0,
    ) -> None:
        self.game = game
        self.flow = flow
        self.quoted = quoted
        self.decided_ms = decided_ms
        self._exchanges = exchanges
        self._trades_until_ms = trades_until_ms
        for venue in decided_ms:
            flow.stop(venue)

    @property
    def next_ms(self) -> int | None:
        """When something happens next; None when all is done."""
        moments = [self.game.next_ms, self.flow.next_ms, *(due_ms for _, due_ms in self._undecided())]
        return min((moment for moment in moments if moment is not None), default=None)

    def happen(self, now_ms: int) -> bool:
        """Let everything due at this moment happen; True when the game changed."""
        has_changed = self.game.advance(now_ms)
        if has_changed:
            self.flow.game_changed(self.game.odds, is_live=self.game.is_live, now_ms=now_ms)
        self.flow.act(now_ms)
        for venue, due_ms in self._undecided():
            if due_ms <= now_ms:
                self._decide(venue, now_ms)
        return has_changed

    def value_u(self, quoted: Quoted) -> int:
        """What one YES contract pays: a draw without a market of its own pays half."""
        winner = self.game.sheet.winner
        if winner == "draw" and not any(each.side == "draw" for each in self.quoted):
            return MICRO // 2
        return MICRO if quoted.side == winner else 0

    def _undecided(self) -> list[tuple[Venue, int]]:
        """The venues that still have to name the result, and when they will."""
        if not self.game.is_final:
            return []
        end_ms = max(self.game.sheet.final_ms, self._trades_until_ms)
        return [(venue, end_ms + DECIDES_MS[venue]) for venue in Venue if venue not in self.decided_ms]

    def _decide(self, venue: Venue, now_ms: int) -> None:
        self.flow.stop(venue)
        self.decided_ms[venue] = now_ms
        for quoted in self.quoted:
            if quoted.venue is venue:
                self._exchanges[venue].determine(quoted.native_id, self.value_u(quoted), now_ms)
