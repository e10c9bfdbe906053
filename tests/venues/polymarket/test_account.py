"""The account as the simulated venue tells it: orders, fills with their life, positions, cash, settlements, streams."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.venues.polymarket.conftest import Desk, endpoints_of, eventually, ref_of, running
from tests.venues.simulator.polymarket_stand import START_MS
from venues.errors import AuthFailed, NotSent
from venues.polymarket.account import PolymarketAccount
from venues.polymarket.clob import create_key, create_or_derive_key, derive_key
from venues.polymarket.http import VenueHost
from venues.types import (
    FeedStatus,
    FillReport,
    OrderReport,
    OrderState,
    Outcome,
    SettleState,
    Side,
    TimeInForce,
    VenueMarket,
)


async def place(desk: Desk, market: VenueMarket, side: Side, price_u: int, qty: int, **changes: Any) -> str:
    prepared = desk.orders.prepare(desk.request(market, side, price_u, qty, **changes))
    await desk.orders.place(prepared)
    return prepared.venue_order_id


def fees_u(price_u: int, qty: int) -> int:
    """The venue's fee at 5 %: cut off at the fifth decimal."""
    return 50_000 * qty * price_u * (1_000_000 - price_u) // 10**13 * 10


async def test_fills_have_prices_fees_and_a_life_of_their_own(desk: Desk, market: VenueMarket) -> None:
    order_id = await place(desk, market, Side.BUY, 460_000, 80)
    fills = await desk.account.fills_since(0)
    assert [(fill.price_u, fill.qty_u, fill.fee_u) for fill in sorted(fills, key=lambda fill: fill.price_u)] == [
        (450_000, 60_000_000, fees_u(450_000, 60)),
        (460_000, 20_000_000, fees_u(460_000, 20)),
    ]
    for fill in fills:
        assert (fill.venue_order_id, fill.leg, fill.is_taker) == (order_id, "taker", True)
        assert (fill.side, fill.outcome, fill.settle_state) == (Side.BUY, Outcome.YES, SettleState.PENDING)
    desk.stand.move(60_000)
    assert {fill.settle_state for fill in await desk.account.fills_since(0)} == {SettleState.CONFIRMED}
    assert await desk.account.fills_since(desk.now_ms()) == []


async def test_fills_and_fees_add_up_to_the_cash_at_the_venue(desk: Desk, market: VenueMarket) -> None:
    await place(desk, market, Side.BUY, 460_000, 80)
    await place(desk, market, Side.BUY, 600_000, 33, outcome=Outcome.NO)
    desk.stand.move(60_000)
    await place(desk, market, Side.SELL, 390_000, 70)
    spent_u = 0
    for fill in await desk.account.fills_since(0):
        cost_u = fill.price_u * fill.qty_u // 1_000_000
        spent_u += (cost_u if fill.side is Side.BUY else -cost_u) + fill.fee_u
    assert (await desk.account.balance()).total_u == 1_000_000_000 - spent_u


async def test_a_resting_order_filled_by_another_token_is_ours_as_maker(desk: Desk, market: VenueMarket) -> None:
    """Our bid for YES meets a buy of NO: a mint."""
    order_id = await place(desk, market, Side.BUY, 420_000, 10)
    other = desk.stand.new_trader()
    listed = desk.stand.face.catalogue.by_condition(market.native_id)
    assert listed is not None
    await other.place(other.order(listed.market, "BUY", "0.58", "10", index=1))
    (fill,) = await desk.account.fills_since(0)
    assert (fill.leg, fill.venue_order_id, fill.is_taker, fill.fee_u) == (order_id, order_id, False, 0)
    assert (fill.side, fill.outcome, fill.price_u, fill.qty_u) == (Side.BUY, Outcome.YES, 420_000, 10_000_000)


async def test_cash_counts_what_resting_buys_may_still_take(desk: Desk, market: VenueMarket) -> None:
    await place(desk, market, Side.BUY, 300_000, 100)
    balance = await desk.account.balance()
    assert (balance.total_u, balance.available_u) == (1_000_000_000, 970_000_000)


async def test_an_order_is_found_while_active_and_by_its_trades_after(desk: Desk, market: VenueMarket) -> None:
    resting = desk.orders.prepare(desk.request(market, Side.BUY, 300_000, 10))
    never_sent = desk.orders.prepare(desk.request(market, Side.BUY, 300_000, 10))
    matched = desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 10))
    await desk.orders.place(resting)
    await desk.orders.place(matched)
    found = await desk.account.order(ref_of(resting))
    assert found is not None and found.state is OrderState.RESTING and found.outcome is Outcome.YES
    closed = await desk.account.order(ref_of(matched))
    assert closed is not None and (closed.state, closed.filled_u) == (OrderState.CANCELED, 10_000_000)
    assert await desk.account.order(ref_of(never_sent)) is None


async def test_positions_of_both_tokens_are_one_report(desk: Desk, market: VenueMarket) -> None:
    await place(desk, market, Side.BUY, 450_000, 30)
    await place(desk, market, Side.BUY, 600_000, 20, outcome=Outcome.NO)
    (position,) = await desk.account.positions()
    assert (position.market_id, position.yes_qty_u, position.no_qty_u) == (market.market_id, 30_000_000, 20_000_000)
    held = await desk.account.data.positions_v1(desk.wallet.funder)
    assert {(each.outcome_index, each.size) for each in held} == {(0, 30), (1, 20)}


@pytest.mark.parametrize(("value_u", "payout_u"), [(1_000_000, 30_000_000), (0, 20_000_000), (500_000, 25_000_000)])
async def test_a_settlement_pays_what_the_outcome_is_worth(
    desk: Desk, market: VenueMarket, value_u: int, payout_u: int
) -> None:
    await place(desk, market, Side.BUY, 450_000, 30)
    await place(desk, market, Side.BUY, 600_000, 20, outcome=Outcome.NO)
    desk.stand.move(START_MS - desk.now_ms() + 8_000_000)
    desk.stand.exchange.determine(market.native_id, value_u, desk.now_ms())
    desk.stand.move(60_000)
    (report,) = await desk.account.settlements_since(0)
    assert (report.market_id, report.value_u, report.payout_u) == (market.market_id, value_u, payout_u)
    assert (report.yes_qty_u, report.no_qty_u) == (30_000_000, 20_000_000)
    assert await desk.account.settlements_since(report.venue_ms + 1_000) == []
    assert await desk.account.positions() == []


async def test_markets_we_were_not_told_of_are_read_from_the_venue(desk: Desk, market: VenueMarket) -> None:
    await place(desk, market, Side.BUY, 450_000, 10)
    account = PolymarketAccount(
        endpoints_of(desk.stand), desk.wallet, account="main", market_of=lambda native_id: None, clock_ms=desk.now_ms
    )
    (fill,) = await account.fills_since(0)
    assert (fill.outcome, fill.fee_u) == (Outcome.YES, fees_u(450_000, 10))
    await account.aclose()


async def test_a_failed_read_raises_and_is_never_a_shorter_list(desk: Desk, market: VenueMarket) -> None:
    wallet = msgspec.structs.replace(desk.wallet, secret="A" * 43 + "=")
    account = PolymarketAccount(
        endpoints_of(desk.stand), wallet, account="main", market_of=desk.known.get, clock_ms=desk.now_ms
    )
    with pytest.raises(AuthFailed):
        await account.open_orders()
    with pytest.raises(AuthFailed):
        await account.fills_since(0)
    await account.aclose()


async def test_the_stream_tells_orders_and_every_status_of_a_fill_once(desk: Desk, market: VenueMarket) -> None:
    inbox: list[Any] = []
    async with running(desk.account, inbox.append):
        await eventually(lambda: FeedStatus("polymarket.user", True) in inbox)
        order_id = await place(desk, market, Side.BUY, 450_000, 10)
        desk.stand.move(60_000)
        await eventually(lambda: any(_is_confirmed(message) for message in inbox))
    orders = [message for message in inbox if isinstance(message, OrderReport)]
    assert {order.venue_order_id for order in orders} == {order_id}
    assert orders[-1].state is OrderState.FILLED
    fills = [message for message in inbox if isinstance(message, FillReport)]
    assert len({(fill.trade_id, fill.leg) for fill in fills}) == 1
    assert fills[0].settle_state is SettleState.PENDING and _is_confirmed(fills[-1])


async def test_after_a_connection_the_account_is_read_from_before_the_silence(desk: Desk, market: VenueMarket) -> None:
    await place(desk, market, Side.BUY, 450_000, 10)
    await place(desk, market, Side.BUY, 300_000, 10)
    inbox: list[Any] = []
    async with running(desk.account, inbox.append):
        await eventually(lambda: FeedStatus("polymarket.user", True) in inbox)
    assert [message.qty_u for message in inbox if isinstance(message, FillReport)] == [10_000_000]
    resting = [message for message in inbox if isinstance(message, OrderReport)]
    assert [(order.state, order.price_u) for order in resting] == [(OrderState.RESTING, 300_000)]


async def test_a_killed_order_is_told_as_canceled(desk: Desk, market: VenueMarket) -> None:
    inbox: list[Any] = []
    async with running(desk.account, inbox.append):
        await eventually(lambda: FeedStatus("polymarket.user", True) in inbox)
        await place(desk, market, Side.BUY, 450_000, 80, time_in_force=TimeInForce.IOC)
        await eventually(lambda: any(_is_out(message) for message in inbox))
    last = next(message for message in inbox if _is_out(message))
    assert last.filled_u == 60_000_000 and last.remaining_u == 0


def _is_confirmed(message: object) -> bool:
    return isinstance(message, FillReport) and message.settle_state is SettleState.CONFIRMED


def _is_out(message: object) -> bool:
    return isinstance(message, OrderReport) and message.state is OrderState.CANCELED


async def test_keys_are_created_derived_listed_and_deleted(desk: Desk) -> None:
    host = VenueHost(name="clob", base_url=desk.stand.clob_url)
    derived = await derive_key(host, desk.wallet)
    assert derived == await create_or_derive_key(host, desk.wallet)
    created = await create_key(host, desk.wallet, nonce=5)
    assert created.api_key != derived.api_key
    assert set(await desk.account.clob.api_keys()) >= {derived.api_key, created.api_key}
    await desk.account.clob.delete_api_key()
    with pytest.raises(AuthFailed):
        await desk.account.clob.api_keys()
    await host.aclose()


async def test_small_reads_of_the_account_work(desk: Desk, market: VenueMarket) -> None:
    assert await desk.account.clob.is_closed_only() is False
    await place(desk, market, Side.BUY, 450_000, 10)
    await desk.account.clob.refresh_balance(signature_type=0)
    desk.stand.move(60_000)
    yes = desk.stand.face.catalogue.by_condition(market.native_id)
    assert yes is not None
    assert await desk.account.clob.balance_u(signature_type=0, asset_id=yes.market.asset_ids[0]) == 10_000_000


async def test_a_venue_that_is_gone_is_an_error_of_every_read(desk: Desk) -> None:
    endpoints = msgspec.structs.replace(endpoints_of(desk.stand), clob_url="http://127.0.0.1:1")
    account = PolymarketAccount(endpoints, desk.wallet, account="main", market_of=desk.known.get, clock_ms=desk.now_ms)
    with pytest.raises(NotSent):
        await account.balance()
    await account.aclose()
