"""A market that is redeemed in parts: each read tells all that was paid so far, however far apart the parts are."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from venues.polymarket.holdings import settlement_reports
from venues.polymarket.schemas_data import ActivityV2
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
        )
        return {report.market_id.partition(":")[2]: report.payout_u for report in reports}

    assert await told(NOON_S) == {A: 10 * MICRO, B: MICRO}
    assert await told(NOON_S + HOUR_S + 1) == {A: 10 * MICRO}
    assert await told(NOON_S + 3 * HOUR_S) == {}
