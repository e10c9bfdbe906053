"""Contract cards 17-22: fills, positions and cash, at either venue, against the venue's own ledger."""

from __future__ import annotations

import pytest

from tests.contract.bench import Bench
from venues.types import MICRO, Outcome, SettleState, Side

TEN_U = 10 * MICRO


async def held(venue: Bench) -> tuple[int, int]:
    """YES and NO as the reader tells them."""
    positions = [one for one in await venue.reader.positions() if one.market_id == venue.market.market_id]
    return sum(one.yes_qty_u for one in positions), sum(one.no_qty_u for one in positions)


async def ledger_held(venue: Bench) -> tuple[int, int]:
    rows = [one for one in (await venue.ledger())["positions"] if one["native_id"] == venue.market.native_id]
    return sum(one["yes_qty_u"] for one in rows), sum(one["no_qty_u"] for one in rows)


async def settled(venue: Bench) -> None:
    """Where executions become final later, let them."""
    await venue.wait_ms(30_000)


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_17_what_was_bought_is_held(venue: Bench, outcome: Outcome):
    await venue.take(outcome=outcome)
    await settled(venue)
    assert await held(venue) == await ledger_held(venue)
    assert sum(await held(venue)) == sum(fill.qty_u for fill in await venue.fills()) > 0


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_18_what_was_sold_again_is_gone_and_its_cash_is_there(venue: Bench, outcome: Outcome):
    await venue.take(outcome=outcome)
    await settled(venue)
    qty_u = sum(await held(venue))
    await venue.take(side=Side.SELL, outcome=outcome, qty_u=qty_u, reduce_only=True)
    await settled(venue)
    assert await held(venue) == await ledger_held(venue) == (0, 0)
    assert (await venue.reader.balance()).total_u == (await venue.ledger())["cash_u"]


async def test_19_both_outcomes_are_held_apart_or_become_a_dollar(venue: Bench):
    for outcome in Outcome:
        await venue.take(outcome=outcome, qty_u=5 * MICRO)
    await settled(venue)
    yes_u, no_u = await held(venue)
    assert (yes_u, no_u) == await ledger_held(venue)
    assert (min(yes_u, no_u) == 0) is venue.capabilities.nets_yes_and_no
    assert (await venue.reader.balance()).total_u == (await venue.ledger())["cash_u"]


async def test_20_a_fill_is_told_under_one_name_for_ever(venue: Bench):
    await venue.take()
    first = {(fill.trade_id, fill.leg): fill for fill in await venue.fills()}
    await settled(venue)
    later = {(fill.trade_id, fill.leg): fill for fill in await venue.fills()}
    assert first.keys() == later.keys()
    assert all(first[key].qty_u == later[key].qty_u and first[key].fee_u == later[key].fee_u for key in first)


async def test_21_a_fill_becomes_final(venue: Bench):
    await venue.take()
    born = {fill.settle_state for fill in await venue.fills()}
    await settled(venue)
    assert {fill.settle_state for fill in await venue.fills()} == {SettleState.CONFIRMED}
    assert (SettleState.PENDING in born) <= venue.capabilities.fills_settle_later


async def test_22_fills_before_a_moment_are_not_told_again(venue: Bench):
    await venue.take()
    await venue.wait_ms(60_000)
    assert await venue.reader.fills_since(venue.now_ms - 10_000) == []
    assert await venue.fills() != []
