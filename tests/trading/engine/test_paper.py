"""The whole engine on paper accounts: live data of (simulated) venues, not one order there, and books that agree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from accounts.models import Mode
from audit.models import AuditEntry
from core import clock
from core.errors import Unavailable
from core.models import new_uid
from tests.trading.engine.stand import IDLE, PATIENCE_S, Stand, standing
from tests.trading.engine.test_stopping import guarded, halt, proven, resting
from trading.domain.commands import SubmitOrder
from trading.domain.lifecycle import ENDED
from trading.models import AccountLedger, Fill, Order, OrderStatus, Position, SportConfig
from trading.services.refold import account_differences
from venues.ports import AccountReader
from venues.types import OrderState, Outcome, Venue


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path, seed=7, games=2, speed=20.0) as stand:
        stand.paper_latency_ms = 0  # an order of the test is on its way while the venues' time stands still
        yield stand


async def venue_orders(stand: Stand) -> int:
    return len((await stand.venue_books()).orders)


async def truth(reader: AccountReader) -> dict[str, Any]:
    """What the paper account says of itself."""
    fills = await reader.fills_since(0)
    orders = await reader.orders_since(0)
    held = {
        (one.market_id, outcome): getattr(one, f"{outcome}_qty_u")
        for one in await reader.positions()
        for outcome in Outcome
    }
    return {
        "cash_u": (await reader.balance()).total_u,
        "fills": sorted((one.trade_id, one.qty_u, one.price_u, one.fee_u) for one in fills),
        "orders": sorted((one.venue_order_id, one.filled_u) for one in orders if one.state is not OrderState.DELAYED),
        "held": {key: qty_u for key, qty_u in held.items() if qty_u},
    }


def ours(account_pk: int) -> dict[str, Any]:
    """The same of our rows."""
    fills = Fill.objects.filter(venue_account_id=account_pk)
    orders = Order.objects.filter(venue_account_id=account_pk).exclude(venue_order_id="").exclude(acknowledged_at=None)
    held = Position.objects.filter(venue_account_id=account_pk, is_open=True).select_related("market")
    return {
        "cash_u": AccountLedger.objects.get(venue_account_id=account_pk).cash_u,
        "fills": sorted(fills.values_list("trade_id", "qty_u", "price_u", "fee_u")),
        "orders": sorted(orders.values_list("venue_order_id", "filled_u")),
        "held": {(row.market.market_id, Outcome(row.outcome)): row.qty_u for row in held},
    }


async def agree(stand: Stand) -> None:
    """While nothing new is decided our books become those of the paper accounts, and refold to themselves."""
    await stand.database.call(lambda: SportConfig.objects.update(**IDLE))
    for account in stand.engine.desk.accounts.values():
        deadline = time.monotonic() + PATIENCE_S
        while (told := await truth(account.reader)) != (kept := await stand.database.call(ours, account.row.pk)):
            assert time.monotonic() < deadline, "; ".join(
                f"{k}: {kept[k]} {told[k]}" for k in told if told[k] != kept[k]
            )
            await asyncio.sleep(0.1)
        assert not await stand.database.call(account_differences, account.row)


async def seen(stand: Stand, look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await stand.database.call(look):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.1)


async def trade(stand: Stand, venue: Venue) -> None:
    """Orders of the test's own, until one is filled: the price may run away from any one of them."""
    deadline = time.monotonic() + PATIENCE_S
    endings: list[str] = []
    while True:
        command = await stand.submit(await stand.market(venue))
        await seen(stand, Order.objects.filter(decision_id=command.decision_id, status__in=ENDED).exists)
        row = await stand.row(command)
        if row.status == "filled":
            await seen(stand, Fill.objects.filter(order=row).exists)
            return
        endings.append(f"{row.status} {row.reason_code}")
        assert time.monotonic() < deadline, f"no fill at {venue}: {endings}"
        await asyncio.sleep(0.1)


async def test_it_trades_on_paper_and_a_killed_trader_finds_its_books_again(stand: Stand):
    await stand.start_engine()
    await seen(stand, Fill.objects.exists)
    for venue in Venue:
        await trade(stand, venue)
    await stand.clock(paused=True)
    await stand.kill_engine()

    await stand.clock(speed=20.0, paused=False)
    await stand.start_engine()
    for venue in Venue:
        await trade(stand, venue)
    await agree(stand)
    assert await venue_orders(stand) == 0
    modes = await stand.database.call(lambda: set(Order.objects.values_list("venue_account__mode", flat=True)))
    assert modes == {Mode.PAPER}
    records = await stand.database.call(
        lambda: [row.payload for row in AuditEntry.objects.filter(kind="order.claimed")]
    )
    assert all('"record":"ENTRY"' in one or '"record":"EXIT"' in one for one in records)
    assert any('"home_score"' in one and '"score_u"' in one for one in records)


async def test_a_journal_that_is_gone_is_not_begun_anew(stand: Stand, tmp_path: Path):
    await stand.start_engine()
    await seen(stand, Fill.objects.exists)
    filled = await stand.database.call(
        lambda: str(Fill.objects.select_related("venue_account").first().venue_account.uid)
    )  # type: ignore[union-attr]
    await stand.stop_engine()
    (tmp_path / "paper" / f"{filled}.jsonl").unlink()
    with pytest.raises(Unavailable) as refusal:
        await stand.start_engine()
    assert refusal.value.code == "paper_journal_missing"


async def test_a_stop_of_a_paper_account_whose_trader_is_dead_is_proven_by_the_guard(stand: Stand, tmp_path: Path):
    """An order that rested and one that had no answer yet: neither can fill any more, and no start brings one back."""
    await stand.start_engine()
    await stand.database.call(lambda: SportConfig.objects.update(**IDLE))
    (ours,) = await resting(stand, Venue.KALSHI)
    await stand.kill_engine()
    await stand.database.call(unanswered, ours)
    with override_settings(TRADING_MODE="paper"):
        await halt(stand)
        with guarded(stand, tmp_path):
            kalshi, _ = await proven(stand, 2)
    assert (kalshi.orders_open, kalshi.proven_by, kalshi.stuck) == (2, "guard", [])
    await stand.start_engine()
    await stand.until_row(ours, OrderStatus.CANCELED)


def unanswered(like: SubmitOrder) -> None:
    """The trader died when this order was on its way, before anything of it was kept."""
    row = Order.objects.get(decision_id=like.decision_id)
    row.pk, row.uid, row.decision_id, row.client_order_id = None, new_uid(), "died-on-its-way", "sx1-died-on-its-way"
    row.status, row.venue_order_id, row.sent_at, row.acknowledged_at = OrderStatus.CLAIMED, "", clock.now(), None
    row.reserved_u = 0
    row.save(force_insert=True)
