"""Contract cards 29-37: what stays true when answers are lost, told twice, out of order, late, or taken back."""

from __future__ import annotations

import pytest

from tests.contract.bench import Bench, reports, until
from venues.errors import OutcomeUnknown, VenueError
from venues.ports import OrderRef
from venues.simulator.exchange_finality import TradeFate
from venues.simulator.fault_plan import FaultRule, Match
from venues.types import MICRO, FillReport, Message, OrderState, SettleState

TEN_U = 10 * MICRO


def filled(messages: list[Message]) -> dict[tuple[str, str], int]:
    """Quantity by the one name of each fill, however often it was told."""
    return {(one.trade_id, one.leg): one.qty_u for one in messages if isinstance(one, FillReport)}


async def read_fills(venue: Bench) -> dict[tuple[str, str], int]:
    return {(one.trade_id, one.leg): one.qty_u for one in await venue.fills()}


def never_placed(venue: Bench, ref: OrderRef) -> OrderRef:
    """A reference in the shape of the venue's own ids, to no order."""
    turned = ref.venue_order_id[:-4] + ref.venue_order_id[-4:].translate(str.maketrans("0123456789", "1234567890"))
    strange = turned if turned != ref.venue_order_id else ref.venue_order_id[:-1] + "0"
    return OrderRef(client_order_id="never", venue_order_id=strange, market=ref.market, placed_ms=ref.placed_ms)


async def test_29_a_cancel_cannot_tell_unknown_canceled_and_executed_apart(venue: Bench):
    _, canceled = await venue.place(venue.request())
    assert (await venue.gateway.cancel(canceled)).is_canceled
    executed = await venue.take()
    answers = [await venue.gateway.cancel(ref) for ref in (canceled, executed, never_placed(venue, canceled))]
    assert {one.is_canceled for one in answers} == {False}
    assert len({one.reason for one in answers}) == 1 and answers[0].reason


async def test_30_a_fill_before_the_cancel_stands_and_the_rest_is_canceled(venue: Bench):
    best_u = venue.exchange.market(venue.market.native_id).best_bid_u or 0
    async with venue.heard(venue.reader) as messages:
        _, ref = await venue.place(venue.request(price_u=best_u + 10_000))
        venue.somebody_sells(best_u + 10_000, 4 * MICRO)
        ack = await venue.gateway.cancel(ref)
        assert ack.is_canceled and ack.canceled_u in (None, 6 * MICRO)
        await venue.wait_ms(30_000)
        assert sum(filled(messages).values()) == sum((await read_fills(venue)).values()) == 4 * MICRO
        await until(lambda: any(one.state is OrderState.CANCELED for one in reports(messages, ref)))
    assert await venue.open_ids() == set()


async def test_31_an_order_whose_answer_is_lost_is_unknown_and_found(venue: Bench):
    venue.suffer(FaultRule(fault="accept_then_drop", match=Match(op="create")))
    prepared = venue.gateway.prepare(venue.request())
    with pytest.raises(OutcomeUnknown):
        await venue.gateway.place(prepared)
    venue.suffer()
    found = await venue.reader.order(venue.ref(prepared.request, prepared.venue_order_id))
    assert found is not None and found.state is OrderState.RESTING
    assert len((await venue.ledger())["orders"]) == 1


async def test_32_a_cancel_whose_answer_is_lost_may_be_asked_again(venue: Bench):
    _, ref = await venue.place(venue.request())
    venue.suffer(FaultRule(fault="accept_then_drop", match=Match(op="cancel")))
    with pytest.raises(OutcomeUnknown):
        await venue.gateway.cancel(ref)
    venue.suffer()
    again = await venue.gateway.cancel(ref)
    assert not again.is_canceled and again.reason
    assert await venue.open_ids() == set()


@pytest.mark.parametrize("fault", ["frame_duplicate", "frame_reorder"])
async def test_33_fills_told_twice_or_out_of_order_are_the_same_fills(venue: Bench, fault: str):
    async with venue.heard(venue.reader) as messages:
        venue.suffer(FaultRule(fault=fault, match=Match(account=venue.account_id)))
        await venue.take()
        await venue.wait_ms(10_000)
        venue.suffer()
        await venue.take(qty_u=5 * MICRO)
        await venue.wait_ms(10_000)
        truth = await read_fills(venue)
        await until(lambda: filled(messages) == truth)
        assert sum(truth.values()) == 15 * MICRO


async def test_34_a_fill_that_no_frame_tells_is_read(venue: Bench):
    async with venue.heard(venue.reader) as messages:
        venue.suffer(FaultRule(fault="fills_only_by_rest"))
        ref = await venue.take()
        await venue.wait_ms(10_000)
        assert {one.venue_order_id for one in await venue.fills()} == {ref.venue_order_id}
        assert filled(messages).keys() <= (await read_fills(venue)).keys()


async def test_35_a_fill_while_the_stream_was_away_is_told_when_it_is_back(venue: Bench):
    best_u = venue.exchange.market(venue.market.native_id).best_bid_u or 0
    async with venue.heard(venue.reader) as messages:
        _, ref = await venue.place(venue.request(price_u=best_u + 10_000))
        await venue.wait_ms(100)
        (socket,) = venue.reader.sockets  # type: ignore[attr-defined]
        for one in list(venue.face.sockets):
            one.cut()
        await until(lambda: not socket.is_up)
        venue.somebody_sells(best_u + 10_000, TEN_U)
        await until(lambda: sum(filled(messages).values()) == TEN_U)
        assert {one.venue_order_id for one in messages if isinstance(one, FillReport)} == {ref.venue_order_id}


async def test_36_a_trade_that_fails_on_chain_is_taken_back_whole(venue: Bench):
    if not venue.capabilities.fills_settle_later:
        pytest.skip("fills are final when they are made")
    before = (await venue.ledger())["cash_u"]
    venue.exchange.decide_fates([TradeFate.FAILED] * 10)
    async with venue.heard(venue.reader) as messages:
        ref = await venue.take()
        await venue.wait_ms(20_000)
        ledger, fills = await venue.ledger(), await venue.fills()
        assert {one.settle_state for one in fills} == {SettleState.FAILED}
        order, (there,) = await venue.reader.order(ref), ledger["orders"]
        assert order is not None and order.filled_u == there["filled_u"] > 0, "what was matched filled the order"
        assert ledger["cash_u"] == before == (await venue.reader.balance()).total_u
        assert all(not one["yes_qty_u"] and not one["no_qty_u"] for one in ledger["positions"])
        names = {(one.trade_id, one.leg) for one in fills}
        told = [one for one in messages if isinstance(one, FillReport)]
        assert {(one.trade_id, one.leg) for one in told} == names
        assert {one.settle_state for one in told} >= {SettleState.PENDING, SettleState.FAILED}


async def test_37_reads_that_fail_do_not_say_that_we_hold_nothing(venue: Bench):
    await venue.place(venue.request())
    venue.suffer(FaultRule(fault="no_order"))
    for read in (venue.reader.open_orders, venue.reader.positions, venue.reader.balance):
        with pytest.raises(VenueError):
            await read()
