"""Says what happens when: decisions, cancels, strangers, deaths, pauses, outages, modes, results. All by the seed."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from core import clock
from core.errors import DomainError
from core.kill_points import KILL_POINTS
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_resume, halt_set
from tests.chaos.operator import Operator
from tests.chaos.trader import Trader
from tests.chaos.venue_deeds import VenueDeeds
from trading.domain.commands import CancelOrder, Purpose, SubmitOrder
from trading.domain.config import Pacing
from trading.domain.strategies.orders import time_in_force
from trading.models import Order, Position
from trading.selectors.risk import WORKING
from trading.selectors.venue_rules import capabilities_of
from trading.services import lease
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

if TYPE_CHECKING:
    from tests.chaos.run import Run

EVERY_S = 0.15
DEEDS = {
    "decide": 60, "again": 5, "cancel": 12, "stranger": 14, "pause": 1, "freeze": 3, "crash": 9, "kill": 1, "away": 2,
    "mode": 2, "fail": 2, "fate": 3, "throttle": 0.3, "look": 4, "halt": 2, "settle": 1,
}  # fmt: skip
"""What is done how often, in parts; what is not in here is in `VenueDeeds`."""
BEFORE_FENCE = "P14.before_fence"
AT_THE_SEND = frozenset({"P3.stored", "P4.before_send"})
POINTS = sorted(KILL_POINTS - {BEFORE_FENCE})
EXPLICIT = {Venue.KALSHI: 0.5, Venue.POLYMARKET: 0.1}
"""How often an order is of a kind that no strategy chooses there."""
WORTH_SLEEPING_S = 5.0
ACTOR = "chaos"
OVERSLEEPS = 0.08
"""In how many runs the first heir does."""
OUTLIVES = 0.2
"""In how many runs a trader, and orders that it sent, outlive its lease."""


class Director:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._dice = run.dice
        self._decisions = 0
        self._operator = Operator(run)
        self._world = VenueDeeds(run)
        self._told: list[SubmitOrder] = []

    def send_to_sleep(self) -> None:
        """Now and then one who has just taken the leases stands still before it shuts the fences of those before it,
        until another has a fence of its own. Drawn apart: all other runs stay what they were."""
        dice = random.Random(f"heir {self._run.seed}")
        if dice.random() < OVERSLEEPS:
            seconds = lease.LEASE.total_seconds() + 1.0 + 3.0 * dice.random()
            self._run.frozen[self._run.traders[0].name] = (frozenset({BEFORE_FENCE}), seconds)

    def plan_outliving(self) -> None:
        """In some runs what the first trader sends becomes late, and then it stands still with the next order in its
        hand: its heir trades when those arrive, and when it wakes up itself. Drawn apart, too."""
        dice = random.Random(f"outlives {self._run.seed}")
        if dice.random() >= OUTLIVES:
            return
        loop, weather, lease_s = self._run.loop, self._run.weather, lease.LEASE.total_seconds()
        sleeps_in_s = 1.5 + 1.5 * dice.random()
        loop.call_later(sleeps_in_s - 1.0, weather.be_late, lease_s + 3.0 + 3.0 * dice.random())
        loop.call_later(sleeps_in_s, self._sleep_past_lease, lease_s + 1.5 + dice.random())

    def _sleep_past_lease(self, seconds: float) -> None:
        self._run.weather.be_late(0.0)
        trader = next((one for one in self._run.traders if one.engine is not None), None)
        if trader is None and self._run.loop.elapsed_s < self._run.active_s / 2:
            self._run.loop.call_later(EVERY_S, self._sleep_past_lease, seconds)
        elif trader is not None:
            self._run.log("outlives", trader.name)
            self._run.frozen[trader.name] = (AT_THE_SEND, seconds)
            for in_s in (0.0, seconds):  # it is to live on
                self._run.loop.call_later(in_s, self._run.armed.pop, trader.name, None)

    async def act(self, seconds: float) -> None:
        """Do something every now and then, for so long."""
        loop = self._run.loop
        end_s = loop.time() + seconds
        while loop.time() < end_s:
            await asyncio.sleep(EVERY_S * (0.2 + 1.6 * self._dice.random()))
            deed = self._dice.choices(list(DEEDS), list(DEEDS.values()))[0]
            act = getattr(self, f"_{deed}", None) or getattr(self._world, deed)
            act()

    def repair(self) -> None:
        """Whatever was broken on purpose works again."""
        self._run.armed.clear()
        self._run.frozen.clear()
        self._world.calm()
        self._resume()
        for trader in self._run.traders:
            trader.process.paused_until_s = 0.0

    def is_over(self) -> bool:
        """Nothing works any more, neither here nor in a trader's hands."""
        engines = [trader.engine for trader in self._run.traders]
        busy = any(engine.executor.in_flight for engine in engines if engine is not None)
        return not busy and not Order.objects.filter(status__in=WORKING).exists()

    def tidy(self) -> None:
        """Take off what rests, and let a person decide where the design leaves it to one."""
        for order in self._run.working():
            if order.decision_id and order.cancel_requested_at is None:
                self._tell(CancelOrder(decision_id=order.decision_id, market_id=order.market.market_id, reason="tidy"))
        self._operator.decide()

    def sleep(self) -> float:
        """Where nothing is left but to wait until time proves something, all hosts sleep until then. Seconds."""
        moments = [self._operator.decides_at(order) for order in self._run.working()]
        if not moments or None in moments or self._run.network.on_the_way:
            return 0.0
        seconds = (min(at for at in moments if at is not None) - clock.now()).total_seconds()
        if seconds < WORTH_SLEEPING_S:
            return 0.0
        self._run.log("all sleep", round(seconds, 3))
        self._run.asleep_until_s = self._run.loop.time() + seconds
        for trader in self._run.traders:
            trader.process.pause(seconds)
        return seconds

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
        self._told.append(command)
        self._tell(command)

    def _again(self) -> None:
        """The same signal once more, as after a restart: the same decision, which may have an order already."""
        if self._told:
            command = self._dice.choice(self._told[-4:])
            self._run.log("again", command.decision_id)
            self._tell(command)

    def _order(self, account: str, market_id: str, bid_u: int, ask_u: int) -> SubmitOrder:
        venue = Venue(market_id.partition(":")[0])
        kind, expires_ms = self._kind(venue)
        held = list(Position.objects.filter(market__market_id=market_id, is_open=True, qty_u__gt=0).order_by("id"))
        is_exit = bool(held) and self._dice.random() < 0.45
        outcome = Outcome(self._dice.choice(held).outcome) if is_exit else self._dice.choice(list(Outcome))
        qty_u = (5 + self._dice.randrange(30)) * MICRO
        if is_exit:
            qty_u = min(qty_u, next(one.qty_u for one in held if one.outcome == outcome))
        side = Side.SELL if is_exit else Side.BUY
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
            time_in_force=kind,
            created_ms=self._run.loop.wall_ms(),
            expires_ms=expires_ms,
            reduce_only=is_exit,
            max_cost_u=0 if is_exit else price_u * qty_u // MICRO + MICRO,
            reason=f"chaos {self._decisions}",
        )

    def _kind(self, venue: Venue) -> tuple[TimeInForce, int | None]:
        """Mostly what a strategy sends there; now and then what a person may ask for explicitly."""
        if self._dice.random() < EXPLICIT[venue]:
            return self._dice.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.FOK, TimeInForce.IOC)), None
        pacing = Pacing(resting_expiry_s=self._dice.choice((5, 20, 80)))
        return time_in_force(capabilities_of(venue), pacing, self._run.loop.wall_us())

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
        seconds = 1.0 + 20.0 * self._dice.random() ** 3
        victim = self._victim()
        self._run.log("pause", victim.name, round(seconds, 3))
        victim.process.pause(seconds)

    def _crash(self) -> None:
        """Die at whichever of some points is passed first."""
        self._run.armed[self._victim().name] = frozenset(self._dice.sample(POINTS, 4))

    def _freeze(self) -> None:
        """Stand still, as after SIGSTOP, at whichever of some points is passed first: longer than a lease, or less."""
        seconds = 0.5 + 12.0 * self._dice.random() ** 2
        self._run.frozen[self._victim().name] = (frozenset(self._dice.sample(POINTS, 4)), seconds)

    def _kill(self) -> None:
        self._victim().process.crash("anywhere")

    def _away(self) -> None:
        weather = self._run.weather
        weather.struck["database.away"] += 1
        weather.database_away_until_s = self._run.loop.time() + 0.2 + 1.5 * self._dice.random()

    def _look(self) -> None:
        """The person on duty looks."""
        self._operator.decide()

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
        self._run.loop.call_later(0.5 + 3.0 * self._dice.random(), self._resume)

    def _resume(self) -> None:
        for halt in TradingHalt.objects.filter(code=ACTOR, state=HaltState.PAUSED):
            halt_resume(halt=halt, reason="The run goes on.", actor=ACTOR)
        now_s = self._run.loop.time()
        self._run.halts = [(since_s, min(until_s, now_s)) for since_s, until_s in self._run.halts]
