"""One seeded run: two traders, one account at each venue, everything that can go wrong, then calm and the reckoning.

Story: for `ACTIVE_S` virtual seconds decisions are made, orders canceled, processes killed, paused and started anew,
markets settled, while the weather spoils requests, frames and commits. Then everything is repaired; what is still
open is canceled; the run ends when nothing is left to happen, or at the limit of patience. Then both books and all
invariants are looked at. Invariant of the run itself: the same seed gives the same events, hence the same digest.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db import connection

from core.kill_points import install
from tests.books import NEVER_SEEN, Books, our_books, venue_books
from tests.chaos.checks import look, unrest
from tests.chaos.database import database
from tests.chaos.director import Director
from tests.chaos.network import Departure, Network
from tests.chaos.process import CURRENT, Process, Threads, mark_tasks
from tests.chaos.recipes import recipes
from tests.chaos.remembered import remembered
from tests.chaos.result import Result
from tests.chaos.stage import image
from tests.chaos.trader import Trader
from tests.chaos.venues import START_MS, Venues
from tests.chaos.virtual import Stalled, VirtualLoop, steady_memory, time_of
from tests.chaos.weather import Weather
from tests.swapped import swapped
from trading.engine import desk as desk_module
from trading.engine import engine as engine_module
from trading.engine import stopper as stopper_module
from trading.engine import wishes as wishes_module
from trading.models import AccountLedger, Fill, Order, TraderLease, VenueFence
from trading.selectors.invariants import Violation
from trading.selectors.risk import WORKING
from trading.services import lease as lease_module
from venues.simulator.control_views import account_view
from venues.types import Venue

ACTIVE_S = 12.0
PATIENCE_S = 200.0
LOOK_EVERY_S = 1.5
WORLD_STEP_S = 0.25
ASIDE = frozenset({"_heartbeat", "flush", "_tick"})
ASIDE_SLOWER = 5.0
WISHES_EVERY_S = 5.0
WATCH_S = 0.1
SECRET = ("private_key", "secret", "passphrase")
LEASE = timedelta(seconds=5)
RENEW_EVERY_S = 1.5
"""Both shorter than in life by the same factor: more takeovers fit into a run."""


class Run:
    """Everything of one run in one place; `result` is told by `play`."""

    def __init__(
        self, seed: int, *, active_s: float = ACTIVE_S, patience_s: float = PATIENCE_S, compares: bool = False
    ) -> None:
        """`compares`: hold every query that is remembered against one that is worked out anew."""
        self.seed = seed
        self._compares = compares
        self.active_s = active_s
        self._patience_s = patience_s
        self.result = Result(seed)
        self.weather = Weather(seed)
        self.dice = random.Random(f"director {seed}")
        self.loop = VirtualLoop(start_ms=START_MS)
        with time_of(self.loop):
            self.venues = Venues()
        self.network = Network(self.venues.apps, self.weather, self)
        self.traders = [Trader(name, self) for name in ("a", "b")]
        self.armed: dict[str, frozenset[str]] = {}
        self.frozen: dict[str, tuple[frozenset[str], float]] = {}
        self.asleep_until_s = 0.0
        self.halts: list[tuple[float, float]] = []
        self.shut_out: list[tuple[str, int]] = []
        """Who shut the fence of an epoch that another holds."""
        self._digest = hashlib.sha256()

    # --- ports --------------------------------------------------------------------------------------------------------

    def log(self, *facts: object) -> None:
        """Part of the digest: something happened now."""
        self._digest.update(repr((round(self.loop.elapsed_s, 6), *facts)).encode())

    def departure(self, venue: str, sender: str, body: bytes) -> Departure:
        """What is so now that this order leaves."""
        epoch = TraderLease.objects.filter(venue_account__venue=venue).values_list("epoch", flat=True).first()
        order = Order.objects.filter(body_sha256=hashlib.sha256(body).hexdigest()).select_related("market").first()
        trader = next((one for one in self.traders if one.name == sender), None)
        market = trader.market(order.market.market_id) if trader is not None and order is not None else None
        return Departure(epoch or 0, "" if market is not None and market.book.is_valid else "no valid book")

    def fence_epoch(self, venue: str) -> int:
        """The newest epoch that has opened a fence there."""
        epochs = VenueFence.objects.filter(venue_account__venue=venue).values_list("epoch", flat=True)
        return max(epochs, default=0)

    def shuts(self, sender: str, group_id: str) -> None:
        """Now that this group is asked to be shut: whose is it, and who trades? (ORDERS L4)"""
        lease = TraderLease.objects.get(venue_account__venue=Venue.KALSHI)
        trader = next(one for one in self.traders if one.name == sender)
        fences = VenueFence.objects.filter(token__contains=group_id, epoch=lease.epoch)
        if lease.holder != trader.holder and fences.exists():
            self.shut_out.append((trader.holder, lease.epoch))

    def secrets(self) -> set[str]:
        """What must never be written down in the clear: the longest line of each, for quoting changes line ends."""
        told = [secret for secrets in self.venues.secrets.values() for secret in secrets.items()]
        kept = {max(value.splitlines(), key=len) for name, value in told if name in SECRET}
        assert len(kept) >= len(self.venues.secrets), "an account without a secret has none to leak"
        return kept

    def on_database(self, work: Callable[[], Any]) -> Any:
        """What a database thread does, in the weather of the moment."""
        if CURRENT.get() is None:
            return work()
        trouble = self.weather.database(self.loop.time())
        if trouble == "away":
            self.weather.raise_away()
        result = work()
        if trouble == "forgotten":
            self.weather.raise_away()
        return result

    def at_point(self, name: str) -> None:
        """The hook of every kill point."""
        process = CURRENT.get()
        if process is None:
            return
        process.check()
        self.result.points[name] += 1
        points, seconds = self.frozen.get(process.name, (frozenset(), 0.0))
        if name in points:
            del self.frozen[process.name]
            self.log("frozen", process.name, name)
            self.result.freezes[name] += 1
            process.pause(seconds)
        if name in self.armed.get(process.name, ()):
            del self.armed[process.name]
            self.result.deaths[name] += 1
            process.crash(name)
            process.check()

    def died(self, process: Process, where: str) -> None:
        self.log("died", process.name, where)
        trader = next(one for one in self.traders if one.name == process.name)
        if trader.process is process:
            trader.restart_in(0.3 + 4.0 * self.dice.random() ** 2)

    # --- the play -----------------------------------------------------------------------------------------------------

    def play(self) -> Result:
        with contextlib.ExitStack() as stack:
            stack.enter_context(steady_memory())
            stack.enter_context(_quiet_logs())
            stack.enter_context(_seeded(self.seed))
            asyncio.set_event_loop(self.loop)
            stack.callback(self._end_loop)
            stack.enter_context(time_of(self.loop))
            stack.enter_context(database(image(), wall_us=self.loop.wall_us))
            stack.enter_context(remembered(compare=self._compares))
            stack.enter_context(recipes(compare=self._compares))
            stack.enter_context(self.network.installed())
            mark_tasks(self.loop)
            self.loop.offload = Threads(self.loop, run=self.on_database, latency_s=self.weather.thread_s).offload
            stack.enter_context(_rhythm())
            install(self.at_point)
            stack.callback(install, None)
            try:
                self.loop.run_until_complete(self._play())
            except Stalled as stalled:
                self.result.findings.append(Violation("LIVENESS", str(stalled)))
            self._reckon()
        return self.result

    async def _play(self) -> None:
        world = asyncio.create_task(self._move_world())
        storm, self.weather.is_calm = self.weather.is_calm, True
        director = Director(self)
        director.send_to_sleep()
        for trader in self.traders:
            trader.start()
        while not any(trader.engine for trader in self.traders):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        self.weather.is_calm = storm
        director.plan_outliving()
        await director.act(self.active_s)
        self.weather.calm()
        director.repair()
        self.log("calm")
        await self._come_to_rest(director)
        self.result.findings += unrest(self)
        world.cancel()
        for trader in self.traders:
            trader.process.crash("the end")

    async def _move_world(self) -> None:
        while True:
            self.venues.advance(self.loop.wall_ms())
            await asyncio.sleep(WORLD_STEP_S)

    async def _come_to_rest(self, director: Director) -> None:
        until_s = self.loop.time() + self._patience_s
        asleep_s = 0.0
        while self.loop.time() < until_s:
            await asyncio.sleep(asleep_s + LOOK_EVERY_S)
            if not self.network.on_the_way and director.is_over() and not self.differences() and not unrest(self):
                return
            director.tidy()
            asleep_s = director.sleep()
        words = "; ".join(self.differences()[:3]) or "something still works, or nobody trades"
        self.result.findings.append(Violation("LIVENESS", f"no rest after {self._patience_s:.0f} s: {words}"))

    def differences(self) -> list[str]:
        """What is not the same in our books and the venues'. An immediate order that matched nothing is told as
        canceled on its way and forgotten at once, so the venue's ledger never had it; nor had it one that was lost."""
        try:
            ours, theirs = self.our_books(), self.venue_books()
        except AssertionError as twice:  # one fill under two names: the reckoning says which
            return [str(twice)]
        for key, told in list(ours.orders.items()):
            if key not in theirs.orders and (told == ("gone", 0) or (told == (NEVER_SEEN, 0) and not self._took(*key))):
                del ours.orders[key]
        return ours.differences(theirs)

    def _took(self, venue: str, venue_order_id: str) -> bool:
        """The venue said yes to the bytes of this order of ours."""
        rows = Order.objects.filter(venue_account__venue=venue, venue_order_id=venue_order_id)
        bodies = set(rows.values_list("body_sha256", flat=True))
        return any(hashlib.sha256(one.body).hexdigest() in bodies for one in self.network.arrivals if one.status < 300)

    def our_books(self) -> Books:
        with connection.cursor() as cursor:
            return our_books(cursor)

    def venue_books(self) -> Books:
        return venue_books({"accounts": self.ledgers()})

    def ledgers(self) -> list[dict[str, Any]]:
        """As `GET /ledger` tells them."""
        own = {venue: self.venues.account_id(venue) for venue in Venue}
        return [account_view(venue, own[venue], self.venues.exchange(venue).ledger(own[venue])) for venue in Venue]

    def _reckon(self) -> None:
        result = self.result
        result.findings += look(self)
        orders = list(Order.objects.order_by("id"))
        result.orders = len(orders)
        fills = Fill.objects.order_by("id").values_list("trade_id", "leg", "qty_u", "price_u", "fee_u", "settle_state")
        result.fills = len(fills)
        result.statuses = Counter(order.status for order in orders)
        result.faults = self.weather.struck
        result.virtual_s = self.loop.elapsed_s
        for order in orders:
            self.log(order.client_order_id, order.status, order.filled_u, order.fee_u, order.venue_order_id)
        self.log(list(fills), list(AccountLedger.objects.order_by("id").values_list("cash_u", "reserved_u")))
        result.digest = self._digest.hexdigest()[:16]

    def _end_loop(self) -> None:
        self.loop.set_exception_handler(lambda *_: None)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        with contextlib.suppress(BaseException):
            self.loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        self.loop.close()

    def working(self) -> list[Order]:
        return list(Order.objects.filter(status__in=WORKING).select_related("market", "venue_account").order_by("id"))


def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """The engine's rhythm; what is not on an order's path (pages, heartbeat) has a slower one here."""
    name = getattr(work, "__name__", "")
    if name in ASIDE:
        seconds *= ASIDE_SLOWER
    elif name == "_renew_leases":
        seconds = RENEW_EVERY_S

    async def again() -> None:
        while True:
            await work()
            await asyncio.sleep(seconds)

    return again


@contextlib.contextmanager
def _rhythm() -> Iterator[None]:
    """Looks that a halt cuts short need not be as frequent as in life; what is on an order's path keeps its rhythm."""
    with (
        swapped(engine_module, "every", _every),
        swapped(wishes_module, "EVERY_S", WISHES_EVERY_S),
        swapped(stopper_module, "WATCH_S", WATCH_S),
        swapped(lease_module, "LEASE", LEASE),
        swapped(desk_module, "LEASE", LEASE),
    ):
        yield


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The program's own jitter comes from the seed too."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
