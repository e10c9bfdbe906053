"""An account with a past on a database of its own, and the two things that are timed on it."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from core import clock  # noqa: E402
from markets.models import Market  # noqa: E402
from risk.services_limits import limits_set  # noqa: E402
from tests.builders import NOON_MS, USD, a_market, an_account, an_intent  # noqa: E402
from trading.models import Order, OrderStatus, PnlDay, Position  # noqa: E402
from trading.services.claims import order_claim  # noqa: E402
from trading.services.lease import lease_acquire, lease_renew  # noqa: E402
from trading.services.orders import order_mark_not_sent  # noqa: E402
from trading.services.trader import trader_start  # noqa: E402
from venues.types import Outcome, Side, TimeInForce  # noqa: E402

CLOSED_ORDERS = 5_000
CLOSED_STAYS = 200
OPEN_STAYS = 10
MARKETS = 40
HOLDER = "bench"
RENEW_EVERY_S = 5.0


@contextmanager
def bench_database(folder: Path) -> Iterator[Any]:
    """A migrated database beside the one of the settings, removed afterwards."""
    given = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield connection
    finally:
        connection.creation.destroy_test_db(given, verbosity=0)


class ClaimStage:
    """`claim` and `bare` return seconds; both leave their rows."""

    def __init__(self) -> None:
        self.account = an_account(cash_u=1_000_000 * USD)
        limits_set(venue_account=self.account, actor="bench", max_open_orders=10_000, max_exposure_usd_u=10**12)
        trader_start(user=self.account.user, actor="bench")
        self.markets = [a_market(f"GAME-{number}") for number in range(MARKETS)]
        self._next = itertools.count()
        self._working: deque[Order] = deque()
        self._past()
        self.epoch = lease_acquire(venue_account=self.account, holder=HOLDER).epoch
        self._renewed_s = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_bare (id bigint, payload text)")
            if connection.vendor == "postgresql":
                cursor.execute("ANALYZE")

    def claim(self) -> float:
        intent = an_intent(self._market(), price_u=400_000)
        started = time.perf_counter()
        order = order_claim(venue_account=self.account, lease_epoch=self.epoch, intent=intent)
        spent = time.perf_counter() - started
        self._working.append(order)
        return spent

    def bare(self) -> float:
        """What a transaction costs here at all: one row changed, one added."""
        started = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE trading_accountledger SET updated_at = updated_at")
            cursor.execute("INSERT INTO bench_bare VALUES (%s, %s)", [next(self._next), "x" * 400])
        return time.perf_counter() - started

    def tidy(self, working: int) -> None:
        """Not timed: end the oldest orders, keep the lease."""
        while len(self._working) > working:
            order_mark_not_sent(order=self._working.popleft(), code="bench")
        if time.perf_counter() - self._renewed_s > RENEW_EVERY_S:
            lease_renew(venue_account=self.account, holder=HOLDER, epoch=self.epoch)
            self._renewed_s = time.perf_counter()

    def warm_up(self, count: int) -> None:
        for _ in range(count):
            self.claim()
            self.bare()
            self.tidy(20)

    def count_queries(self) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.claim()
        return len(queries)

    def _market(self) -> Market:
        return self.markets[next(self._next) % MARKETS]

    def _past(self) -> None:
        """What a busy account has behind it: none of it may make a claim slower."""
        at = clock.from_ms(NOON_MS) - timedelta(days=2)
        Order.objects.bulk_create(self._closed_order(number, at) for number in range(CLOSED_ORDERS))
        Position.objects.bulk_create(self._stay(number, at) for number in range(CLOSED_STAYS + OPEN_STAYS))
        PnlDay.objects.create(venue_account=self.account, day=clock.from_ms(NOON_MS).date(), realized_u=5 * USD)

    def _closed_order(self, number: int, at: Any) -> Order:
        return Order(
            venue_account=self.account,
            market=self._market(),
            decision_id=f"past-{number}",
            client_order_id=f"past-{number}",
            side=Side.BUY,
            outcome=Outcome.YES,
            price_u=400_000,
            qty_u=10 * USD,
            time_in_force=TimeInForce.IOC,
            status=OrderStatus.CANCELED,
            claimed_at=at,
            closed_at=at,
        )

    def _stay(self, number: int, at: Any) -> Position:
        is_open = number < OPEN_STAYS
        return Position(
            venue_account=self.account, market=self.markets[number % MARKETS], outcome=Outcome.YES, sequence=number + 1,
            qty_u=10 * USD * is_open, paid_u=4 * USD * is_open, fees_u=0, bought_u=10 * USD, bought_paid_u=4 * USD,
            realized_u=0 if is_open else number % 3 - 1, is_open=is_open, opened_at=at,
            closed_at=None if is_open else at,
        )  # fmt: skip
