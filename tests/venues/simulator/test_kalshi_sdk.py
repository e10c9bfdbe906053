"""The venue's own SDK against the simulator: it signs in, reads, places, amends, reads back and cancels.

Opt-in: runs where it is installed (`pip install --ignore-requires-python kalshi_python_sync==3.34.0`),
which Courtside itself does not need. Its models are strict, so every reply that it takes has the right shape. The SDK
blocks: it works in a thread while the server answers on the loop.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.venues.simulator.kalshi_stand import EVENT, OKC, SAS, Stand, kalshi_stand
from venues.simulator.kalshi_auth import KeyType
from venues.types import MICRO

sdk = pytest.importorskip("kalshi_python_sync", reason="kalshi_python_sync, the venue's own SDK, is not installed")


def signed_in(stand: Stand, key_type: KeyType) -> Any:
    opened = stand.face.open_account(key_type=key_type, balance_u=1_000 * MICRO, now_ms=stand.clock.ms)
    configuration = sdk.Configuration(host=f"http://127.0.0.1:{stand.port}/trade-api/v2")
    configuration.api_key_id = opened.record.key_id
    configuration.private_key_pem = opened.private_key
    return sdk.KalshiClient(configuration)


def trade(client: Any) -> str:
    """Place, amend, decrease, find and cancel; then take. The id of the taken order."""
    common = {"ticker": OKC, "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross"}
    resting = client.create_order_v2(side="bid", price="0.40", count="5", client_order_id="sdk-1", **common)
    assert resting.remaining_count == "5.00"
    amended = client.amend_order_v2(resting.order_id, ticker=OKC, side="bid", price="0.41", count="6")
    assert amended.remaining_count == "6.00"
    assert client.decrease_order_v2(resting.order_id, reduce_to="2").remaining_count == "2.00"
    order = client.get_order(resting.order_id).order
    assert (order.client_order_id, order.yes_price_dollars, order.status) == ("sdk-1", "0.4100", "resting")
    assert [each.order_id for each in client.get_orders(status="resting").orders] == [resting.order_id]
    assert client.get_order_queue_position(resting.order_id).queue_position_fp == "0.00"
    assert client.cancel_order_v2(resting.order_id).reduced_by == "2.00"
    taken = client.create_order_v2(side="bid", price="0.52", count="3", **common)
    assert (taken.fill_count, taken.average_fill_price) == ("3.00", "0.5200")
    batch = client.batch_create_orders_v2(orders=[common | {"side": "ask", "price": "0.90", "count": "1"}])
    ids = [{"order_id": row.order_id} for row in batch.orders]
    assert [row.reduced_by for row in client.batch_cancel_orders_v2(orders=ids).orders] == ["1.00"]
    return str(taken.order_id)


def read_markets(client: Any, now_s: int) -> None:
    assert [market.ticker for market in client.get_markets(series_ticker="KXNBAGAME").markets] == [OKC, SAS]
    assert client.get_market(OKC).market.yes_bid_dollars == "0.4700"
    assert client.get_market_orderbook(OKC).orderbook_fp.yes_dollars == [["0.4700", "300.00"]]
    assert len(client.get_market_orderbooks(tickers=[OKC, SAS]).orderbooks) == 2
    assert client.get_events(series_ticker="KXNBAGAME", with_nested_markets=True).events[0].event_ticker == EVENT
    assert client.get_event(EVENT).event.title == "Oklahoma City vs San Antonio"
    assert client.get_series("KXNBAGAME").series.fee_multiplier == 1
    assert client.get_series_list(category="Sports").series[0].ticker == "KXNBAGAME"
    assert client.get_trades(ticker=OKC).trades[0].count_fp == "3.00"
    window = {"start_ts": now_s - 600, "end_ts": now_s + 600, "period_interval": 1}
    assert client.get_market_candlesticks("KXNBAGAME", OKC, **window).candlesticks[0].volume_fp == "3.00"
    assert client.get_milestones(limit=5).milestones[0].id == "milestone-1"
    assert client.get_live_datas(milestone_ids=["milestone-1"]).live_datas[0].milestone_id == "milestone-1"
    assert client.get_structured_targets().structured_targets[0].type == "basketball_team"
    assert client.get_exchange_status().trading_active
    for read in (
        client.get_exchange_schedule,
        client.get_user_data_timestamp,
        client.get_series_fee_changes,
        client.get_event_fee_changes,
        client.get_historical_cutoff,
        client.get_account_endpoint_costs,
        client.get_tags_for_series_categories,
        client.get_filters_for_sports,
        client.get_multivariate_events,
    ):
        assert read() is not None


def read_account(client: Any, order_id: str) -> None:
    balance = client.get_balance()
    assert balance.balance_dollars == "998.3875"
    fill = client.get_fills(order_id=order_id).fills[0]
    assert (fill.count_fp, fill.fee_cost, fill.outcome_side) == ("3.00", "0.052500", "yes")
    assert client.get_positions().market_positions[0].position_fp == "3.00"
    assert client.get_account_api_limits().usage_tier == "basic"
    assert len(client.get_api_keys().api_keys) == 1
    assert client.get_subaccount_balances().subaccount_balances[0].balance == "998.3875"
    assert client.get_subaccount_netting().netting_configs[0].enabled is False
    assert client.get_portfolio_resting_order_total_value().total_resting_order_value == 0
    assert client.get_settlements().settlements == []
    move = {"source": "event_contract", "destination": "event_contract", "destination_exchange_shard": 3}
    moved = client.intra_exchange_instance_transfer(amount=10_000, source_exchange_shard=0, **move)
    assert client.get_intra_exchange_instance_transfer(moved.transfer_id).transfer.status == "complete"
    assert len(client.get_intra_exchange_instance_transfers().transfers) == 1


def use_groups(client: Any) -> None:
    group_id = client.create_order_group(contracts_limit=10).order_group_id
    assert client.get_order_group(group_id).contracts_limit_fp == "10.00"
    assert [group.id for group in client.get_order_groups().order_groups] == [group_id]
    client.trigger_order_group(group_id)
    client.reset_order_group(group_id)
    client.update_order_group_limit(group_id, contracts_limit=20)
    client.delete_order_group(group_id)
    client.cancel_all_orders()


@pytest.mark.parametrize("key_type", list(KeyType))
async def test_the_official_sdk_trades_here(key_type: KeyType) -> None:
    async with kalshi_stand() as stand:
        stand.quote([(47, 300)], [(52, 300)])
        client = signed_in(stand, key_type)
        order_id = await asyncio.to_thread(trade, client)
        stand.quote([(47, 300)], [(52, 300)])
        await asyncio.to_thread(read_markets, client, stand.clock.ms // 1000)
        await asyncio.to_thread(read_account, client, order_id)
        await asyncio.to_thread(use_groups, client)


async def test_the_official_sdk_sees_a_settlement() -> None:
    async with kalshi_stand() as stand:
        stand.quote([(47, 300)], [(52, 300)])
        client = signed_in(stand, KeyType.ED25519)
        await asyncio.to_thread(trade, client)
        stand.exchange.determine(OKC, 0, stand.clock.ms)
        stand.wait(60_000)
        settlements = await asyncio.to_thread(client.get_settlements)
        assert [(row.market_result, row.revenue) for row in settlements.settlements] == [("no", 0)]
        market = await asyncio.to_thread(client.get_market, OKC)
        assert (market.market.status, market.market.result) == ("finalized", "no")


async def test_the_official_sdk_raises_on_a_refusal() -> None:
    async with kalshi_stand() as stand:
        client = signed_in(stand, KeyType.RSA)
        with pytest.raises(sdk.ApiException) as caught:
            await asyncio.to_thread(client.cancel_order_v2, "00000000-0000-0000-0000-000000000000")
        assert caught.value.status == 404
