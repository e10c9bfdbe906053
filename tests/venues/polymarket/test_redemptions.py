"""A market that is redeemed in parts: each read tells all that was paid so far, however far apart the parts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from venues.polymarket.data_api import DataApi
from venues.polymarket.holdings import settlement_reports
from venues.polymarket.http import VenueHost
from venues.polymarket.schemas_data import ActivityV2, Resolution
from venues.simulator.asgi import Request, Router, json_reply
from venues.simulator.asgi_server import AppServer
from venues.types import MICRO

A, B = "0x" + "a" * 64, "0x" + "b" * 64
HOUR_S = 3_600
NOON_S = 1_767_960_000


class Records:
    """The venue's public record of one wallet, as its Data API answers."""

    def __init__(self, *rows: ActivityV2) -> None:
        self._rows = rows

    async def activity(self, user: str, *, types: Sequence[str], start_s: int | None = None) -> list[ActivityV2]:
        return [row for row in self._rows if row.type in types and row.timestamp >= (start_s or 0)]

    async def positions(self, user: str, *, status: str) -> list[Any]:
        return []

    async def resolution(self, condition: str) -> Any:
        return SimpleNamespace(value_u=MICRO)


async def unasked(condition: str) -> tuple[int, int]:
    raise AssertionError("a market with a winner names its quantities itself")


def redeemed(condition: str, usd: int, *, at_s: int) -> ActivityV2:
    return ActivityV2(type="REDEEM", timestamp=at_s, condition_id=condition, size=Decimal(usd), usdc_size=Decimal(usd))


@pytest.mark.parametrize("is_newest_first", [False, True])
async def test_parts_are_told_as_of_the_last_of_them(is_newest_first: bool):
    """The rest is earned on the day on which it was paid, whichever way the venue sorts its list."""
    parts = [redeemed(A, 4, at_s=NOON_S), redeemed(A, 6, at_s=NOON_S + 2 * HOUR_S)]
    (report,) = await settlement_reports(
        Records(*(reversed(parts) if is_newest_first else parts)),  # type: ignore[arg-type]
        wallet="0x1",
        account="main",
        since_ms=0,
        traded=unasked,
        now_ms=NOON_S * 1_000,
        lost={},
    )
    assert (report.payout_u, report.venue_ms) == (10 * MICRO, (NOON_S + 2 * HOUR_S) * 1_000)


async def test_every_part_counts_when_a_later_one_is_news_and_an_old_market_is_none():
    records = Records(
        redeemed(A, 4, at_s=NOON_S),
        redeemed(B, 1, at_s=NOON_S + HOUR_S),
        redeemed(A, 6, at_s=NOON_S + 2 * HOUR_S),
    )

    async def told(since_s: int) -> dict[str, int]:
        reports = await settlement_reports(
            records,  # type: ignore[arg-type]
            wallet="0x1",
            account="main",
            since_ms=since_s * 1_000,
            traded=unasked,
            now_ms=NOON_S * 1_000,
            lost={},
        )
        return {report.market_id.partition(":")[2]: report.payout_u for report in reports}

    assert await told(NOON_S) == {A: 10 * MICRO, B: MICRO}
    assert await told(NOON_S + HOUR_S + 1) == {A: 10 * MICRO}
    assert await told(NOON_S + 3 * HOUR_S) == {}


def lost(condition: str, size: int) -> dict[str, Any]:
    return {
        "token_id": "1",
        "condition_id": condition,
        "current_size": size,
        "outcome_index": 0,
        "status": "REDEEMABLE_LOST",
        "redeemable": True,
    }


class DataStand:
    """A Data API that holds these rows by path, and counts how often each path is asked."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        self.asked: Counter[str] = Counter()
        self.router = Router()
        self._rows = rows
        for path in rows:
            self.router.get(path, self._page)

    async def _page(self, request: Request) -> Any:
        self.asked[request.path] += 1
        wanted = request.one("condition_id")
        data = [row for row in self._rows[request.path] if wanted in ("", row["condition_id"])]
        return json_reply({"data": data, "pagination": {"has_more": False, "next_cursor": None}})

    @asynccontextmanager
    async def data(self) -> AsyncIterator[DataApi]:
        server = AppServer(self.router)
        await server.start()
        host = VenueHost(name="data", base_url=f"http://127.0.0.1:{server.port}")
        try:
            yield DataApi(host)
        finally:
            await host.aclose()
            await server.stop()


@pytest.mark.parametrize("untold", [{}, {"resolved_at": ""}, {"resolved_at": None}])
async def test_a_loss_whose_time_the_venue_does_not_tell_is_told_as_of_now(untold: dict[str, Any]):
    """Several documented fields of a resolution may be missing or empty (FACTS §5)."""
    resolutions = [
        {"condition_id": A, "status": "resolved", "payouts": [0, MICRO]} | untold,
        {"condition_id": B, "status": "resolved", "payouts": [0, MICRO], "resolved_at": "2026-01-09T12:00:00Z"},
    ]
    rows = {"/v2/positions": [lost(A, 7), lost(B, 5)], "/v2/activity": [], "/v2/resolutions": resolutions}
    async with DataStand(rows).data() as data:
        (report,) = await settlement_reports(
            data,
            wallet="0x1",
            account="main",
            since_ms=(NOON_S + 30 * HOUR_S) * 1_000,
            traded=unasked,
            now_ms=(NOON_S + 40 * HOUR_S) * 1_000,
            lost={},
        )
    assert (report.market_id, report.yes_qty_u, report.payout_u) == (f"polymarket:{A}", 7 * MICRO, 0)
    assert report.venue_ms == (NOON_S + 40 * HOUR_S) * 1_000


async def test_how_a_loss_resolved_is_asked_once_for_all_reads():
    """Nobody redeems a loss: it stays in the list for ever, and the list is read every few seconds."""
    resolutions = [
        {"condition_id": one, "payouts": [0, MICRO], "resolved_at": "2026-01-09T12:00:00Z"} for one in (A, B)
    ]
    rows = {"/v2/positions": [lost(A, 7), lost(B, 5)], "/v2/activity": [], "/v2/resolutions": resolutions}
    stand, known = DataStand(rows), dict[str, Resolution]()
    async with stand.data() as data:
        told = [
            await settlement_reports(
                data,
                wallet="0x1",
                account="main",
                since_ms=since_s * 1_000,
                traded=unasked,
                now_ms=(NOON_S + 40 * HOUR_S) * 1_000,
                lost=known,
            )
            for since_s in (NOON_S, NOON_S, NOON_S + HOUR_S)
        ]
    assert [[report.yes_qty_u for report in reports] for reports in told] == [[7 * MICRO, 5 * MICRO]] * 2 + [[]]
    assert stand.asked == {"/v2/positions": 3, "/v2/activity": 3, "/v2/resolutions": 2}


async def test_a_draw_that_is_redeemed_in_parts_pays_what_was_held_once():
    """The activity of a 50-50 names no quantities: they are our trades', however many parts they are redeemed in."""

    async def traded(condition: str) -> tuple[int, int]:
        return 10 * MICRO, 6 * MICRO

    parts = [
        {"type": "REDEEM", "timestamp": NOON_S + at_s, "condition_id": A, "size": 2 * usd, "usdc_size": usd}
        for at_s, usd in ((0, 5), (HOUR_S, 3))
    ]
    resolutions = [{"condition_id": A, "payouts": [MICRO // 2, MICRO // 2], "resolved_at": "2026-01-09T12:00:00Z"}]
    rows = {"/v2/positions": [], "/v2/activity": parts, "/v2/resolutions": resolutions}
    async with DataStand(rows).data() as data:
        (report,) = await settlement_reports(
            data, wallet="0x1", account="main", since_ms=0, traded=traded, now_ms=NOON_S * 1_000, lost={}
        )
    assert (report.yes_qty_u, report.no_qty_u, report.payout_u) == (10 * MICRO, 6 * MICRO, 8 * MICRO)
