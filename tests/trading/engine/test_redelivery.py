"""Every scheduled task may come twice and at the same moment (a second beat, redelivery): one effect all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from celery import current_app
from django.db import connections
from django.test import override_settings

from accounts.models import VenueAccount
from config.celery import app
from markets.models import PricePoint
from notifications.models import Alert, AlertLevel, OutboxMessage
from notifications.services import alert_raise
from risk.models import TradingHalt
from tests.trading.engine.stand import IDLE, standing
from tests.trading.engine.test_reconciling import until_old_enough
from trading.models import CashEntry, CashKind, Fill, Finding, Order
from trading.services.reconciliation import reconciliation_ask
from venues.types import Venue

AT_ONCE = 3
SLOTS = sorted(app.conf.beat_schedule)


async def test_each_slot_of_the_schedule_has_its_effect_once(shared_database: None, tmp_path: Path):
    """Money was moved at the venue and an alert waits: both are something to do, and only once."""
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        row = await stand.until_over(await stand.submit(await stand.market(Venue.KALSHI)))
        await until_old_enough(stand, row)
        await stand.stop_engine()
        await stand.clock(paused=True)
        exchange = stand.simulator.assembly.kalshi
        exchange.deposit(exchange.account_ids()[0], 7_000_100, now_ms=stand.simulator.assembly.now_ms())
        await stand.database.call(something_to_tell, stand.user)
        with override_settings(SIMULATOR_PORT=stand.simulator.ports.kalshi):
            for _ in range(2):
                await stand.database.call(ask_to_compare, stand.user)
                await all_at_once()
            await all_at_once()
            effects = await stand.database.call(seen)
            assert (effects["moved"], effects["waiting"]) == (1, 0)
            await all_at_once()
        assert await stand.database.call(seen) == effects
        assert not (await stand.our_books()).differences(await stand.venue_books())


async def all_at_once() -> None:
    """What two beats and a redelivery come to: each task three times, none waiting for another."""
    current_app.loader.import_default_modules()
    tasks = [current_app.tasks[app.conf.beat_schedule[slot]["task"]] for slot in SLOTS]
    await asyncio.gather(*(asyncio.to_thread(delivered, task) for task in tasks * AT_ONCE))


def delivered(task: Any) -> None:
    try:
        task()
    finally:
        connections.close_all()


def something_to_tell(user: Any) -> None:
    alert_raise(user=user, level=AlertLevel.WARNING, code="test", title="Look", dedupe_key="once")


def ask_to_compare(user: Any) -> None:
    for account in VenueAccount.objects.filter(user=user):
        reconciliation_ask(venue_account=account, actor="ann")


def seen() -> dict[str, Any]:
    return {
        "moved": CashEntry.objects.filter(kind=CashKind.EXTERNAL).count(),
        "cash": CashEntry.objects.count(),
        "orders": list(Order.objects.order_by("id").values_list("status", "filled_u")),
        "fills": Fill.objects.count(),
        "alerts": sorted(Alert.objects.values_list("dedupe_key", flat=True)),
        "waiting": OutboxMessage.objects.filter(delivered_at=None).count(),
        "halts": sorted(TradingHalt.objects.values_list("scope", "code", "state", "epoch")),
        "findings": sorted(Finding.objects.values_list("kind", "state", "theirs_u")),
        "prices": PricePoint.objects.count(),
    }
