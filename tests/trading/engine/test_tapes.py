"""Recorded games end as they really did, and what was held pays as it really did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trading.engine.stand import IDLE, standing
from trading.domain.market_view import MarketView
from venues.types import MICRO, Outcome, Venue

HOUR_MS = 3_600_000
PAYS_AFTER_MS = 10 * 60_000
TAPES = {
    "the Wizards lost to Atlanta": ("stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz", "Washington", 0),
    "the Clippers won at Charlotte": ("kalshi_nba_ticks/KXNBAGAME-25NOV22LACCHA-LAC.jsonl.gz", "Clippers", MICRO),
}


@pytest.mark.parametrize(("tape", "team", "value_u"), TAPES.values(), ids=TAPES)
async def test_a_recorded_game_settles_as_it_did(
    shared_database: None, shared: Path, tmp_path: Path, tape: str, team: str, value_u: int
):
    path = shared / "sports" / "data" / tape
    async with standing(
        tmp_path, settings=IDLE, tape=path, is_paused=True, speed=60.0, polymarket_settle_ms=PAYS_AFTER_MS
    ) as stand:
        await stand.clock(step_ms=HOUR_MS)
        engine = await stand.start_engine()
        market = await stand.market(Venue.KALSHI)
        outcome = outcome_of(market, team)
        bought = await stand.submit(market, outcome=outcome)
        await stand.until_over(bought)
        before = await stand.books_equal()
        await stand.clock(step_ms=3 * HOUR_MS)
        await stand.until(lambda: bool(engine.session.desk.portfolio.known_settlements))
        after = await stand.books_equal()
    held_u = sum(before.positions.values())
    assert held_u == 10 * MICRO
    assert after.positions == {}
    assert sum(after.cash_u.values()) - sum(before.cash_u.values()) == held_u * value_u // MICRO


def outcome_of(market: MarketView, team: str) -> Outcome:
    """The outcome that pays when this team wins."""
    assert market.listing is not None
    return Outcome.YES if team in market.listing.yes_label else Outcome.NO
