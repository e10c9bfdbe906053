"""Says what happens when: decisions, cancels, strangers, deaths, pauses, outages, modes, results. All by the seed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from core.errors import DomainError
from core.kill_points import KILL_POINTS
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_resume, halt_set
from tests.chaos.trader import Trader
from trading.domain.commands import CancelOrder, Purpose, SubmitOrder
from trading.models import Order, Position
from trading.selectors.risk import WORKING
from venues.simulator.exchange_terms import ExchangeReject, NewOrder
from venues.simulator.flow.quoted import TAKER
from venues.types import MICRO, MarketState, Outcome, SettleState, Side, TimeInForce, Venue

if TYPE_CHECKING:
    from tests.chaos.run import Run

EVERY_S = 0.45
DEEDS = {
    "decide": 46, "cancel": 12, "stranger": 12, "pause": 3, "crash": 14, "kill": 2, "away": 3, "mode": 3,
    "fail": 6, "halt": 2, "settle": 1,
}  # fmt: skip
POINTS = sorted(KILL_POINTS)
SOON_MS = 3_000
ACTOR = "chaos"


class Director:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._dice = run.dice
        self._decisions = 0
        self._settled: set[tuple[Venue, str]] = set()

    async def act(self, seconds: float) -> None:
        """Do something every now and then, for so long."""
        loop = self._run.loop
        end_s = loop.time() + seconds
        while loop.time() < end_s:
            await asyncio.sleep(EVERY_S * (0.2 + 1.6 * self._dice.random()))
            deed = self._dice.choices(list(DEEDS), list(DEEDS.values()))[0]
            getattr(self, f"_{deed}")()

    def repair(self) -> None:
        """Whatever was broken on purpose works again."""
        self._run.armed.clear()
        self._mode_normal()
        self._resume()
        for trader in self._run.traders:
            trader.process.paused_until_s = 0.0

    def is_over(self) -> bool:
        """Nothing works any more, neither here nor in a trader's hands."""
        engines = [trader.engine for trader in self._run.traders]
        busy = any(engine.executor.in_flight for engine in engines if engine is not None)
        return not busy and not Order.objects.filter(status__in=WORKING).exists()

    def tidy(self) -> None:
        """Take off what rests."""
        for order in self._run.working():
            if order.decision_id:
                self._tell(CancelOrder(decision_id=order.decision_id, market_id=order.market.market_id, reason="tidy"))

    # --- what traders do ----------------------------------------------------------------------------------------------

    def _tell(self, command: SubmitOrder | CancelOrder) -> None:
        for trader in self._run.traders:
            if trader.engine is not None:
                trader.carry_out(command)

    def _decide(self) -> None:
        venue = self._dice.choice((Venue.KALSHI, Venue.POLYMARKET))
        trader = next((one for one in self._run.traders if one.engine is not None), None)
        engine = trader.engine if trader is not None else None
        if engine is None:
            return
        account = next(one for one in engine.desk.accounts.values() if one.row.venue == venue)
        listings = [one for one in engine.discovery.listings.values() if one.venue is venue]
        if not listings:
            return
        market = self._run.venues.exchange(venue).market(self._dice.choice(listings).native_id)
        if market.best_bid_u is None or market.best_ask_u is None:
            return
        self._decisions += 1
        command = self._order(account.name, f"{venue}:{market.spec.native_id}", market.best_bid_u, market.best_ask_u)
        self._run.log("decided", command.decision_id, command.market_id, command.side, command.price_u, command.qty_u)
        self._tell(command)

    def _order(self, account: str, market_id: str, bid_u: int, ask_u: int) -> SubmitOrder:
        held = list(Position.objects.filter(market__market_id=market_id, is_open=True, qty_u__gt=0).order_by("id"))
        is_exit = bool(held) and self._dice.random() < 0.45
        outcome = Outcome(self._dice.choice(held).outcome) if is_exit else self._dice.choice(list(Outcome))
        qty_u = (5 + self._dice.randrange(30)) * MICRO
        if is_exit:
            qty_u = min(qty_u, next(one.qty_u for one in held if one.outcome == outcome))
        side = Side.SELL if is_exit else Side.BUY
        tif = self._dice.choice((TimeInForce.IOC, TimeInForce.IOC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.FOK))
        price_u = self._price_u(side, outcome, bid_u, ask_u)
        return SubmitOrder(
            decision_id=f"chaos-{self._run.seed}-{self._decisions}",
            strategy="chaos",
            purpose=Purpose.EXIT if is_exit else Purpose.ENTRY,
            account=account,
            market_id=market_id,
            game_id="",
            side=side,
            outcome=outcome,
            price_u=price_u,
            qty_u=qty_u,
            time_in_force=tif,
            created_ms=self._run.loop.wall_ms(),
            expires_ms=None,
            reduce_only=is_exit,
            max_cost_u=0 if is_exit else price_u * qty_u // MICRO + MICRO,
            reason=f"chaos {self._decisions}",
        )

    def _price_u(self, side: Side, outcome: Outcome, bid_u: int, ask_u: int) -> int:
        """Around the best prices of the outcome: some take, some rest, some both."""
        if outcome is Outcome.NO:
            bid_u, ask_u = MICRO - ask_u, MICRO - bid_u
        near_u = ask_u if side is Side.BUY else bid_u
        price_u = near_u + self._dice.choice((-20_000, -10_000, 0, 10_000, 20_000, 40_000))
        return min(max(price_u - price_u % 10_000, 10_000), 990_000)

    def _cancel(self) -> None:
        working = [order for order in self._run.working() if order.decision_id]
        if working:
            order = self._dice.choice(working)
            self._run.log("cancel", order.decision_id)
            self._tell(CancelOrder(decision_id=order.decision_id, market_id=order.market.market_id, reason="chaos"))

    # --- what happens to traders --------------------------------------------------------------------------------------

    def _victim(self) -> Trader:
        return self._dice.choice(self._run.traders)

    def _pause(self) -> None:
        seconds = 2.0 + 38.0 * self._dice.random() ** 2
        victim = self._victim()
        self._run.log("pause", victim.name, round(seconds, 3))
        victim.process.pause(seconds)

    def _crash(self) -> None:
        """Die where the next one passes this point."""
        self._run.armed[self._victim().name] = self._dice.choice(POINTS)

    def _kill(self) -> None:
        self._victim().process.crash("anywhere")

    def _away(self) -> None:
        weather = self._run.weather
        weather.struck["database.away"] += 1
        weather.database_away_until_s = self._run.loop.time() + 0.2 + 3.0 * self._dice.random()

    # --- what happens at the venues -----------------------------------------------------------------------------------

    def _stranger(self) -> None:
        """Somebody takes what rests, perhaps from us."""
        venue = self._dice.choice((Venue.KALSHI, Venue.POLYMARKET))
        exchange = self._run.venues.exchange(venue)
        native_id = self._dice.choice([one.spec.native_id for one in exchange.markets()])
        order = NewOrder(
            native_id=native_id,
            side=self._dice.choice(list(Side)),
            outcome=Outcome.YES,
            price_u=self._dice.choice((10_000, 990_000)),
            qty_u=(1 + self._dice.randrange(15)) * MICRO,
            tif=TimeInForce.IOC,
        )
        price_u = 990_000 if order.side is Side.BUY else 10_000
        try:
            exchange.submit(TAKER, msgspec.structs.replace(order, price_u=price_u), self._now_ms())
        except ExchangeReject:
            return

    def _mode(self) -> None:
        """A pause of trading, or of a whole exchange, and its end a few seconds later."""
        exchange = self._run.venues.exchange(self._dice.choice(list(Venue)))
        is_active = self._dice.random() < 0.5
        self._run.weather.struck["mode.pause"] += 1
        exchange.switch_trading(is_exchange_active=is_active, is_trading_active=False, now_ms=self._now_ms())
        self._run.loop.call_later(2.0 + 6.0 * self._dice.random(), self._mode_normal)

    def _mode_normal(self) -> None:
        for venue in Venue:
            exchange = self._run.venues.exchange(venue)
            exchange.switch_trading(is_exchange_active=True, is_trading_active=True, now_ms=self._now_ms())

    def _fail(self) -> None:
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

    def _settle(self) -> None:
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

    # --- what people do -----------------------------------------------------------------------------------------------

    def _halt(self) -> None:
        """Somebody halts everything, and resumes it some seconds later."""
        try:
            halt_set(
                scope=HaltScope.GLOBAL, scope_key="", state=HaltState.PAUSED, code=ACTOR, reason="chaos", actor=ACTOR
            )
        except DomainError:
            return
        self._run.weather.struck["halt"] += 1
        self._run.halts.append((self._run.loop.time(), float("inf")))
        self._run.loop.call_later(2.0 + 8.0 * self._dice.random(), self._resume)

    def _resume(self) -> None:
        for halt in TradingHalt.objects.filter(code=ACTOR, state=HaltState.PAUSED):
            halt_resume(halt=halt, reason="The run goes on.", actor=ACTOR)
        now_s = self._run.loop.time()
        self._run.halts = [(since_s, min(until_s, now_s)) for since_s, until_s in self._run.halts]

    def _now_ms(self) -> int:
        return max(self._run.loop.wall_ms(), self._run.venues.assembly.now_ms())
