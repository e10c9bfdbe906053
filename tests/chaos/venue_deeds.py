"""What happens at the venues while traders trade: strangers, modes, chain failures, results, a fence that fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from venues.simulator.control_modes import MODES, ModeDesk, ModeWish
from venues.simulator.exchange_finality import TradeFate
from venues.simulator.exchange_terms import ExchangeReject, NewOrder
from venues.simulator.flow.quoted import TAKER
from venues.types import MICRO, MarketState, Outcome, SettleState, Side, TimeInForce, Venue

if TYPE_CHECKING:
    from tests.chaos.run import Run

SOON_MS = 1_500


class VenueDeeds:
    """Each public method is a deed that the director may choose; `calm` ends what lasts."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._dice = run.dice
        self._modes = ModeDesk(run.venues.assembly)

    def calm(self) -> None:
        for venue in Venue:
            self._modes.enter(ModeWish(venue=venue))

    def stranger(self) -> None:
        """Somebody takes what rests, perhaps from us."""
        exchange = self._run.venues.exchange(self._dice.choice(list(Venue)))
        side = self._dice.choice(list(Side))
        order = NewOrder(
            native_id=self._dice.choice([one.spec.native_id for one in exchange.markets()]),
            side=side,
            outcome=Outcome.YES,
            price_u=990_000 if side is Side.BUY else 10_000,
            qty_u=(1 + self._dice.randrange(15)) * MICRO,
            tif=TimeInForce.IOC,
        )
        try:
            exchange.submit(TAKER, order, self._now_ms())
        except ExchangeReject:
            return

    def mode(self) -> None:
        """A pause, a restart, only cancels or only makers, and its end a few seconds later."""
        venue = self._dice.choice(list(Venue))
        name = self._dice.choice(MODES[venue][1:])
        lasts_s = 0.5 + 3.0 * self._dice.random()
        self._run.weather.struck[f"mode.{name}"] += 1
        self._run.log("mode", venue, name)
        self._modes.enter(ModeWish(venue=venue, mode=name, restart_s=lasts_s / 2, post_only_s=lasts_s))
        self._run.loop.call_later(lasts_s, self.calm)

    def fail(self) -> None:
        """A match of ours fails on the chain."""
        for venue in Venue:
            exchange = self._run.venues.exchange(venue)
            fills = exchange.fills(self._run.venues.account_id(venue))
            pending = [fill.trade_id for fill in fills if fill.settle_state is SettleState.PENDING]
            if pending:
                try:
                    exchange.fail_trade(self._dice.choice(pending), self._now_ms())
                except ExchangeReject:
                    continue
                self._run.weather.struck["trade.failed"] += 1
                self._run.log("failed a trade", venue)

    def fate(self) -> None:
        """The next match is sent on chain twice, or fails there."""
        fate = self._dice.choice((TradeFate.RETRYING, TradeFate.FAILED))
        self._run.weather.struck[f"fate.{fate}"] += 1
        self._run.venues.exchange(Venue.POLYMARKET).decide_fates([fate])

    def throttle(self) -> None:
        """The venue's own throttle, or a person there, triggers an order group of ours."""
        exchange, account_id = self._run.venues.exchange(Venue.KALSHI), self._run.venues.account_id(Venue.KALSHI)
        groups = [group for group in exchange.groups(account_id) if not group.is_triggered]
        if groups:
            self._run.weather.struck["group.triggered"] += 1
            self._run.log("triggered a group")
            exchange.trigger_group(account_id, self._dice.choice(groups).group_id, self._now_ms())

    def settle(self) -> None:
        """The game is decided: YES, NO or void."""
        if self._run.loop.elapsed_s < self._run.active_s / 2:
            return
        venue = self._dice.choice(list(Venue))
        exchange = self._run.venues.exchange(venue)
        markets = [one for one in exchange.markets() if one.state is MarketState.OPEN]
        if not markets:
            return
        spec = self._dice.choice(markets).spec
        exchange.update_terms(msgspec.structs.replace(spec, settle_timer_ms=SOON_MS), self._now_ms())
        exchange.determine(spec.native_id, self._dice.choice((0, MICRO, MICRO // 2)), self._now_ms())
        self._run.log("settled", venue, spec.native_id)

    def _now_ms(self) -> int:
        return max(self._run.loop.wall_ms(), self._run.venues.assembly.now_ms())
