"""Contract cards 01-16: what the trader may rely on when it places, cancels and reads orders, at either venue.

A card asks the adapter and checks with the simulated venue's own ledger. Where venues differ, `Capabilities` says how.
"""

from __future__ import annotations

import pytest

from tests.contract.bench import Bench, bench, encoded
from venues.errors import NotSent, OutcomeUnknown, Rejected
from venues.types import MICRO, OrderState, Outcome, Side, TimeInForce

TEN_U = 10 * MICRO
CENT_U = 10_000


async def test_01_a_resting_order_is_read_back_as_it_was_placed(venue: Bench):
    request = venue.request()
    ack, ref = await venue.place(request)
    assert (ack.state, ack.filled_u, ack.remaining_u) == (OrderState.RESTING, 0, TEN_U)
    (report,) = await venue.reader.open_orders()
    assert (report.venue_order_id, report.account, report.market_id) == (
        ref.venue_order_id,
        "mine",
        venue.market.market_id,
    )
    assert (report.state, report.side, report.outcome, report.price_u, report.qty_u) == (
        OrderState.RESTING,
        Side.BUY,
        Outcome.YES,
        50_000,
        TEN_U,
    )
    assert report.client_order_id in (request.client_order_id, "")


async def test_02_an_order_is_found_by_its_id_and_an_unknown_one_is_not(venue: Bench):
    request = venue.request()
    _, ref = await venue.place(request)
    found = await venue.reader.order(ref)
    assert found is not None and found.venue_order_id == ref.venue_order_id
    never = venue.gateway.prepare(venue.request())
    assert await venue.reader.order(venue.ref(never.request, never.venue_order_id)) is None


async def test_03_an_order_whose_answer_was_lost_is_found_without_it(venue: Bench):
    prepared = venue.gateway.prepare(venue.request())
    ack = await venue.gateway.place(prepared)
    found = await venue.reader.order(venue.ref(prepared.request, prepared.venue_order_id))
    assert found is not None and found.venue_order_id == ack.venue_order_id


async def test_04_a_cancel_takes_the_order_off_and_frees_its_money(venue: Bench):
    before = await venue.reader.balance()
    _, ref = await venue.place(venue.request())
    held = await venue.reader.balance()
    assert held.total_u == before.total_u, "what an order holds is still ours"
    assert 500_000 <= before.available_u - held.available_u < 500_000 + 2 * CENT_U  # one venue holds the fee too
    assert (await venue.gateway.cancel(ref)).is_canceled
    assert await venue.open_ids() == set()
    assert (await venue.reader.balance()).available_u == before.available_u


async def test_05_a_second_cancel_says_that_there_is_nothing_to_cancel(venue: Bench):
    _, ref = await venue.place(venue.request())
    await venue.gateway.cancel(ref)
    again = await venue.gateway.cancel(ref)
    assert not again.is_canceled and again.reason


async def test_06_cancel_all_leaves_nothing_open(venue: Bench):
    for price_u in (30_000, 40_000, 50_000):
        await venue.place(venue.request(price_u=price_u))
    assert len(await venue.open_ids()) == 3
    await venue.gateway.cancel_all()
    assert await venue.open_ids() == set()


async def test_07_an_order_that_takes_is_filled_as_the_venue_booked_it(venue: Bench):
    ref = await venue.take()
    fills, ledger = await venue.fills(), await venue.ledger()
    assert {fill.venue_order_id for fill in fills} == {ref.venue_order_id}
    assert sum(fill.qty_u for fill in fills) == sum(fill["qty_u"] for fill in ledger["fills"]) > 0
    assert sum(fill.fee_u for fill in fills) == ledger["fees_u"]
    assert (await venue.reader.balance()).total_u == ledger["cash_u"]
    assert await venue.open_ids() == set()


async def test_08_what_an_immediate_order_cannot_take_is_canceled(venue: Bench):
    market = venue.exchange.market(venue.market.native_id)
    price_u, there_u = market.side(False).depth(1)[0]
    await venue.take(qty_u=(there_u // MICRO + 50) * MICRO, price_u=price_u)
    assert sum(fill.qty_u for fill in await venue.fills()) == there_u
    assert await venue.open_ids() == set()


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
async def test_09_an_immediate_order_that_takes_nothing_leaves_nothing(venue: Bench, time_in_force: TimeInForce):
    before = await venue.reader.balance()
    request = venue.request(qty_u=100 * MICRO, time_in_force=time_in_force)
    try:
        ack, _ = await venue.place(request)
        assert ack.state is not OrderState.FILLED
    except Rejected as refusal:
        assert refusal.code
    await venue.wait_ms(5_000)
    assert (await venue.open_ids(), await venue.fills()) == (set(), [])
    after = await venue.reader.balance()
    assert (after.available_u, after.total_u) == (before.available_u, before.total_u)


async def test_10_the_same_request_gives_the_same_bytes_and_the_same_id(venue: Bench):
    request = venue.request()
    first, second = venue.gateway.prepare(request), venue.gateway.prepare(request)
    assert encoded(first) == encoded(second)
    ack = await venue.gateway.place(first)
    if venue.capabilities.order_id_known_before_send:
        assert first.venue_order_id == ack.venue_order_id
    else:
        assert first.venue_order_id == ""


async def test_11_the_same_bytes_sent_twice_are_one_order_and_no_refusal(venue: Bench):
    """The second answer proves that the order is there: to call it rejected would forget it."""
    prepared = venue.gateway.prepare(venue.request())
    await venue.gateway.place(prepared)
    with pytest.raises(OutcomeUnknown):
        await venue.gateway.place(prepared)
    assert len((await venue.ledger())["orders"]) == 1


@pytest.mark.parametrize("terms", [{"price_u": 50_500}, {"price_u": 0}, {"price_u": MICRO}, {"qty_u": 1}], ids=str)
async def test_12_what_is_off_the_grid_is_refused_before_any_send(venue: Bench, terms: dict[str, int]):
    with pytest.raises(Rejected):
        venue.gateway.prepare(venue.request(**terms))
    assert (await venue.ledger())["orders"] == []


async def test_13_money_that_is_not_there_is_a_definitive_refusal(venue: Bench):
    with pytest.raises(Rejected):
        await venue.place(venue.request(qty_u=30_000_000 * MICRO))
    assert await venue.open_ids() == set()


async def test_14_an_order_good_till_a_date_is_gone_after_it(venue: Bench):
    expires_ms = venue.now_ms + 120_000
    _, ref = await venue.place(venue.request(time_in_force=TimeInForce.GTD, expires_ms=expires_ms))
    assert await venue.open_ids() == {ref.venue_order_id}
    await venue.wait_ms(125_000)
    assert await venue.open_ids() == set()


async def test_15_post_only_never_takes(venue: Bench):
    with pytest.raises(Rejected):
        await venue.place(venue.request(price_u=venue.taking_u(), post_only=True))
    assert await venue.fills() == []


async def test_16_without_a_connection_nothing_was_sent(venue: Bench):
    async with bench(venue.capabilities.venue) as other:
        prepared = other.gateway.prepare(other.request())
        gateway = other.gateway
        await other.stop_venue()
        with pytest.raises(NotSent):
            await gateway.place(prepared)
