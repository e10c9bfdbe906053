"""Orders through a real socket to the simulated venue: what is accepted, refused, unknown; and what is never sent."""

from __future__ import annotations

import msgspec
import pytest

from tests.venues.polymarket.conftest import Desk, endpoints_of, ref_of, wallet_of
from tests.venues.simulator.polymarket_stand import START_MS, Stand, standing
from venues.errors import AuthFailed, Fenced, NotSent, OutcomeUnknown, Rejected
from venues.polymarket.gateway import PolymarketOrders
from venues.polymarket.rejects import DUPLICATE
from venues.types import OrderState, Outcome, Side, TimeInForce, VenueMarket


@pytest.mark.parametrize("signature_type", [0, 1, 2, 3])
@pytest.mark.parametrize(("league", "version"), [("nba", "v1"), ("epl", "v1"), ("nhl", "v2")])
async def test_the_venue_accepts_our_signature_of_every_type_for_every_exchange(
    stand: Stand, signature_type: int, league: str, version: str
) -> None:
    stand.list_game(league, version=version)
    desk = Desk(stand, signature_type=signature_type)
    listed = (await desk.list_markets(league))[0]
    prepared = desk.orders.prepare(desk.request(listed, Side.BUY, 300_000, 10))
    ack = await desk.orders.place(prepared)
    assert (ack.state, ack.filled_u, ack.remaining_u) == (OrderState.RESTING, 0, 10_000_000)
    (report,) = await desk.account.open_orders()
    assert report.venue_order_id == prepared.venue_order_id == ack.venue_order_id
    await desk.aclose()


async def test_the_same_intent_has_the_same_id_and_is_never_two_orders(desk: Desk, market: VenueMarket) -> None:
    request = desk.request(market, Side.BUY, 300_000, 10)
    prepared, again = desk.orders.prepare(request), desk.orders.prepare(request)
    assert (prepared.venue_order_id, prepared.body) == (again.venue_order_id, again.body)
    await desk.orders.place(prepared)
    with pytest.raises(OutcomeUnknown) as caught:
        await desk.orders.place(again)
    assert caught.value.code == DUPLICATE
    assert len(await desk.account.open_orders()) == 1


async def test_a_marketable_order_is_matched_at_once(desk: Desk, market: VenueMarket) -> None:
    ack = await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, 460_000, 80)))
    assert (ack.state, ack.filled_u, ack.remaining_u) == (OrderState.FILLED, 80_000_000, 0)


async def test_a_part_matched_order_rests_with_the_rest(desk: Desk, market: VenueMarket) -> None:
    ack = await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 80)))
    assert (ack.state, ack.filled_u, ack.remaining_u) == (OrderState.RESTING, 60_000_000, 20_000_000)


async def test_an_immediate_order_takes_what_is_there_and_leaves_nothing(desk: Desk, market: VenueMarket) -> None:
    request = desk.request(market, Side.BUY, 450_000, 80, time_in_force=TimeInForce.IOC)
    ack = await desk.orders.place(desk.orders.prepare(request))
    assert (ack.state, ack.filled_u, ack.remaining_u) == (OrderState.CANCELED, 60_000_000, 0)
    assert await desk.account.open_orders() == []


async def test_an_immediate_size_that_is_not_in_cents_is_still_accepted(desk: Desk, market: VenueMarket) -> None:
    request = desk.request(market, Side.BUY, 450_000, 12, time_in_force=TimeInForce.IOC)
    odd = msgspec.structs.replace(request, qty_u=12_340_000)
    ack = await desk.orders.place(desk.orders.prepare(odd))
    assert 12_320_000 < ack.filled_u <= 12_340_000


async def test_buying_no_is_buying_the_second_token(desk: Desk, market: VenueMarket) -> None:
    request = desk.request(market, Side.BUY, 600_000, 50, outcome=Outcome.NO)
    ack = await desk.orders.place(desk.orders.prepare(request))
    assert (ack.state, ack.filled_u) == (OrderState.FILLED, 50_000_000)


async def test_a_marketable_order_in_a_delayed_market_is_accepted_and_open(stand: Stand, desk: Desk) -> None:
    listed = stand.list_game("nfl").markets[0]
    stand.quote(listed, {"0.4": 100}, {"0.45": 60})
    (market,) = await desk.list_markets("nfl")
    assert market.taker_delay_ms == 1_000
    prepared = desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 10))
    ack = await desk.orders.place(prepared)
    assert (ack.state, ack.filled_u, ack.remaining_u) == (OrderState.DELAYED, 0, 10_000_000)
    canceled = await desk.orders.cancel(ref_of(prepared))
    assert not canceled.is_canceled and "delayed" in canceled.reason
    stand.move(1_100)
    (fill,) = await desk.account.fills_since(0)
    assert (fill.venue_order_id, fill.qty_u) == (prepared.venue_order_id, 10_000_000)


@pytest.mark.parametrize(
    ("changes", "price_u", "qty", "code"),
    [
        ({"post_only": True}, 460_000, 10, "post_only_crosses"),
        ({"time_in_force": TimeInForce.FOK}, 450_000, 90, "fok_not_filled"),
        ({"time_in_force": TimeInForce.IOC}, 410_000, 10, "no_match"),
        ({}, 300_000, 90_000, "insufficient_funds"),
    ],
)
async def test_definitive_refusals_have_codes(
    desk: Desk, market: VenueMarket, changes: dict[str, object], price_u: int, qty: int, code: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, price_u, qty, **changes)))
    assert caught.value.code == code
    assert await desk.account.open_orders() == []


async def test_a_sale_of_contracts_we_do_not_hold_is_refused(desk: Desk, market: VenueMarket) -> None:
    with pytest.raises(Rejected) as caught:
        await desk.orders.place(desk.orders.prepare(desk.request(market, Side.SELL, 500_000, 10)))
    assert caught.value.code == "insufficient_funds"


@pytest.mark.parametrize(
    ("changes", "price_u", "qty", "code"),
    [
        ({}, 405_000, 10, "invalid_tick"),
        ({}, 400_000, 4, "below_minimum"),
        ({"time_in_force": TimeInForce.IOC}, 100_000, 9, "below_minimum"),
        ({"time_in_force": TimeInForce.FOK, "post_only": True}, 400_000, 10, "invalid_payload"),
        ({"time_in_force": TimeInForce.GTD}, 400_000, 10, "invalid_expiration"),
    ],
)
async def test_what_the_venue_would_refuse_is_refused_before_anything_is_sent(
    desk: Desk, market: VenueMarket, changes: dict[str, object], price_u: int, qty: int, code: str
) -> None:
    with pytest.raises(Rejected) as caught:
        desk.orders.prepare(desk.request(market, Side.BUY, price_u, qty, **changes))
    assert caught.value.code == code


async def test_a_gtd_order_leaves_the_book_when_we_meant_it_to(desk: Desk, market: VenueMarket) -> None:
    expires_ms = desk.now_ms() + 120_000
    request = desk.request(market, Side.BUY, 300_000, 10, time_in_force=TimeInForce.GTD, expires_ms=expires_ms)
    await desk.orders.place(desk.orders.prepare(request))
    desk.stand.move(119_000)
    assert len(await desk.account.open_orders()) == 1
    desk.stand.move(2_000)
    assert await desk.account.open_orders() == []


async def test_a_cancel_says_whether_it_took_the_order_off(desk: Desk, market: VenueMarket) -> None:
    prepared = desk.orders.prepare(desk.request(market, Side.BUY, 300_000, 10))
    await desk.orders.place(prepared)
    assert (await desk.orders.cancel(ref_of(prepared))).is_canceled
    again = await desk.orders.cancel(ref_of(prepared))
    assert not again.is_canceled and again.reason == "already canceled or matched"


async def test_many_can_be_canceled_at_once_each_with_its_answer(desk: Desk, market: VenueMarket) -> None:
    placed = [desk.orders.prepare(desk.request(market, Side.BUY, 300_000, 10)) for _ in range(3)]
    for prepared in placed[:2]:
        await desk.orders.place(prepared)
    answers = await desk.orders.cancel_many([ref_of(prepared) for prepared in placed])
    assert [answer.is_canceled for answer in answers] == [True, True, False]


async def test_all_orders_or_those_of_one_market_can_be_taken_off(desk: Desk, market: VenueMarket) -> None:
    desk.stand.list_game("wnba")
    (other,) = await desk.list_markets("wnba")
    for each in (market, other):
        await desk.orders.place(desk.orders.prepare(desk.request(each, Side.BUY, 300_000, 10)))
    await desk.orders.cancel_market(market)
    (left,) = await desk.account.open_orders()
    assert left.market_id == other.market_id
    await desk.orders.cancel_all()
    assert await desk.account.open_orders() == []


async def test_a_wrong_key_is_an_authentication_failure(stand: Stand, desk: Desk, market: VenueMarket) -> None:
    wallet = msgspec.structs.replace(wallet_of(desk.trader), passphrase="wrong")
    orders = PolymarketOrders(endpoints_of(desk.stand), wallet, account="main", clock_ms=desk.now_ms)
    with pytest.raises(AuthFailed):
        await orders.place(orders.prepare(desk.request(market, Side.BUY, 300_000, 10)))
    await orders.aclose()


async def test_a_wallet_without_a_key_sends_nothing(desk: Desk, market: VenueMarket) -> None:
    wallet = msgspec.structs.replace(wallet_of(desk.trader), api_key="")
    orders = PolymarketOrders(endpoints_of(desk.stand), wallet, account="main", clock_ms=desk.now_ms)
    with pytest.raises(AuthFailed):
        await orders.place(orders.prepare(desk.request(market, Side.BUY, 300_000, 10)))
    await orders.aclose()


async def test_a_venue_that_is_gone_was_not_sent_anything() -> None:
    async with standing(Stand()) as stand:
        stand.list_game("nba")
        desk = Desk(stand)
        (market,) = await desk.list_markets("nba")
        prepared = desk.orders.prepare(desk.request(market, Side.BUY, 300_000, 10))
    with pytest.raises(NotSent):
        await desk.orders.place(prepared)
    await desk.aclose()


async def test_heartbeats_form_a_chain_that_only_a_takeover_may_enter(desk: Desk) -> None:
    switch = desk.orders.dead_man_switch
    first, second = await switch.beat(takes_over=True), await switch.beat()
    assert first and second and first != second
    switch.heartbeat_id = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(Fenced):
        await desk.orders.beat()
    assert await switch.beat(takes_over=True)


async def test_orders_do_not_survive_the_start_of_the_game(desk: Desk, market: VenueMarket) -> None:
    assert market.clears_book_at_start and market.game_start_ms == START_MS
    await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, 300_000, 10)))
    desk.stand.move(START_MS - desk.now_ms() + 1_000)
    assert await desk.account.open_orders() == []
