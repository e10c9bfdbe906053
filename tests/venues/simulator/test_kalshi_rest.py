"""The Kalshi face over a real socket: bodies, statuses and words as captured (../shared/venues/kalshi)."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.venues.simulator.kalshi_stand import EVENT, OKC, ORDERS, ROOT, Stand, kalshi_stand, sample
from venues.simulator.kalshi_auth import KeyType


@pytest.mark.parametrize("key_type", list(KeyType))
async def test_both_kinds_of_key_sign_in(stand: Stand, key_type: KeyType) -> None:
    body = await stand.client(key_type).get("/portfolio/balance")
    assert body["balance_breakdown"] == [{"balance": "1000.0000", "exchange_index": 0}]
    assert (body["balance"], body["balance_dollars"]) == (100_000, "1000.0000")


async def test_each_way_to_fail_the_signature_has_the_captured_body(stand: Stand, shared: Path) -> None:
    client = stand.client()
    path = ROOT + "/portfolio/balance"
    good = client.headers("GET", path)
    now_ms = time.time_ns() // 1_000_000
    cases = {
        "auth__missing_signature_header": {},
        "auth__bad_signature": good
        | {"KALSHI-ACCESS-SIGNATURE": client.headers("POST", path)["KALSHI-ACCESS-SIGNATURE"]},
        "auth__unknown_key_id": good | {"KALSHI-ACCESS-KEY": "00000000-0000-0000-0000-000000000000"},
        "auth__skew_minus30s": client.headers("GET", path, stamp_ms=now_ms - 30_000),
        "auth__skew_plus5min": client.headers("GET", path, stamp_ms=now_ms + 300_000),
    }
    for name, headers in cases.items():
        reply = await client.http.get(path, headers=headers)
        expected = sample(shared, name)
        if isinstance(expected["error"], dict):
            expected["error"].pop("service", None)  # sent until August 2026
        assert (reply.status_code, reply.json()) == (401, expected), name
    for skew_ms in (-5_000, 5_000):
        headers = client.headers("GET", path, stamp_ms=now_ms + skew_ms)
        assert (await client.http.get(path, headers=headers)).status_code == 200


async def test_the_query_is_not_signed_and_public_endpoints_need_no_signature(stand: Stand) -> None:
    assert (await stand.client().reply("GET", "/portfolio/orders", limit=5)).status_code == 200
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stand.port}") as anyone:
        for path in ("/markets", f"/events/{EVENT}", "/exchange/status", f"/markets/{OKC}/orderbook"):
            assert (await anyone.get(ROOT + path)).status_code == 200
        assert (await anyone.get(ROOT + "/portfolio/orders")).status_code == 401


async def test_a_resting_order_and_its_cancel_read_as_captured(stand: Stand, shared: Path) -> None:
    client = stand.client()
    status, created = await client.place("bid", "0.0100", "1.00", client_order_id="mine")
    assert (status, set(created)) == (201, set(sample(shared, "orders__create_v2_maker")))
    assert (created["fill_count"], created["remaining_count"]) == ("0.00", "1.00")
    order = (await client.get(f"/portfolio/orders/{created['order_id']}"))["order"]
    captured = sample(shared, "orders__get_after_create")["order"]
    assert isinstance(captured, dict)
    assert set(captured) <= set(order)
    same = ("action", "book_side", "fill_count_fp", "initial_count_fp", "maker_fees_dollars", "no_price_dollars")
    same += ("outcome_side", "remaining_count_fp", "side", "status", "subaccount_number", "type", "yes_price_dollars")
    assert {name: order[name] for name in same} == {name: captured[name] for name in same}
    status, canceled = await client.call("DELETE", f"{ORDERS}/{created['order_id']}")
    assert (status, set(canceled), canceled["reduced_by"]) == (200, {"order_id", "reduced_by", "ts_ms"}, "1.00")
    order = (await client.get(f"/portfolio/orders/{created['order_id']}"))["order"]
    assert (order["status"], order["remaining_count_fp"], order["initial_count_fp"]) == ("canceled", "0.00", "1.00")


async def test_an_immediate_order_fills_at_the_resting_price_with_the_recorded_fee(stand: Stand) -> None:
    client = stand.client()
    status, created = await client.place("bid", "0.9900", "1.00", time_in_force="immediate_or_cancel")
    assert (status, created["fill_count"], created["remaining_count"]) == (201, "1.00", "0.00")
    assert (created["average_fill_price"], created["average_fee_paid"]) == ("0.5200", "0.0175")
    order = (await client.get(f"/portfolio/orders/{created['order_id']}"))["order"]
    assert (order["status"], order["yes_price_dollars"]) == ("executed", "0.9900")
    assert (order["taker_fill_cost_dollars"], order["taker_fees_dollars"]) == ("0.520000", "0.017500")
    (fill,) = (await client.get("/portfolio/fills"))["fills"]
    assert (fill["yes_price_dollars"], fill["no_price_dollars"], fill["fee_cost"]) == ("0.5200", "0.4800", "0.017500")
    assert (fill["outcome_side"], fill["book_side"], fill["is_taker"]) == ("yes", "bid", True)
    assert "client_order_id" not in fill
    (position,) = (await client.get("/portfolio/positions"))["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("1.00", "0.520000")


async def test_an_ask_is_a_purchase_of_no_and_its_price_is_of_yes(stand: Stand) -> None:
    client = stand.client()
    _, created = await client.place("ask", "0.4700", "2.00")
    assert created["average_fill_price"] == "0.4700"
    (fill,) = (await client.get("/portfolio/fills"))["fills"]
    assert (fill["outcome_side"], fill["yes_price_dollars"], fill["no_price_dollars"]) == ("no", "0.4700", "0.5300")
    (position,) = (await client.get("/portfolio/positions"))["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("-2.00", "1.060000")


async def test_refusals_have_the_captured_statuses_and_bodies(stand: Stand, shared: Path) -> None:
    client = stand.client(usd=100)
    await client.place("bid", "0.0100", "1.00", client_order_id="used")
    cases = [
        ("orders__duplicate_client_order_id", 409, {"client_order_id": "used"}),
        ("orders__insufficient_balance", 400, {"price": "0.9900", "count": "10099.00"}),
        ("orders__invalid_price_structure", 400, {"price": "0.5150", "post_only": True}),
        ("orders__post_only_cross", 400, {"price": "0.9900", "post_only": True}),
        ("orders__numeric_field_types", 400, {"count": 1, "price": 0.01}),
    ]
    for name, expected_status, fields in cases:
        expected = sample(shared, name)
        if isinstance(expected.get("error"), dict):
            expected["error"].pop("service", None)
        given = {"price": "0.0100", "count": "1.00"} | fields
        status, body = await client.place("bid", **given)
        if name == "orders__numeric_field_types":
            body["details"] = body["details"].replace(
                ".price", ".count"
            )  # which field Go meets first is its own affair
        assert (status, body) == (expected_status, expected), name
    expected = {"error": {"code": "not_found", "message": "not found"}}
    assert await client.call("DELETE", f"{ORDERS}/00000000-0000-0000-0000-000000000000") == (404, expected)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"ticker": "KXNONE"}, 404, "market_not_found"),
        (
            {"time_in_force": "fill_or_kill", "price": "0.5200", "count": "301"},
            409,
            "fill_or_kill_insufficient_resting_volume",
        ),
        ({"client_order_id": "a.b"}, 400, "invalid_parameters"),
        ({"time_in_force": "immediate_or_cancel", "expiration_time": 1_900_000_000}, 400, "invalid_parameters"),
        ({"reduce_only": True}, 400, "invalid_order"),
        ({"price": "0.0000"}, 400, "invalid_price"),
        ({"price": "1.0000"}, 400, "invalid_price"),
        ({"count": "0.001"}, 400, "invalid_parameters"),
        ({"count": "0"}, 400, "invalid_order"),
        ({"time_in_force": "day"}, 400, "invalid_parameters"),
        ({"order_group_id": "none"}, 404, "order_group_not_found"),
        ({"exchange_index": 3}, 404, "market_not_found"),
    ],
)
async def test_bad_orders_are_refused_with_a_code(
    stand: Stand, fields: dict[str, object], status: int, code: str
) -> None:
    given = {"price": "0.1000", "count": "1.00"} | fields
    answered, body = await stand.client().place("bid", **given)
    assert (answered, body["error"]["code"]) == (status, code)


async def test_a_dead_v1_endpoint_says_so(stand: Stand) -> None:
    status, body = await stand.client().call("POST", "/portfolio/orders", {"ticker": OKC})
    assert (status, body["error"]["code"]) == (410, "deprecated_v1_order_endpoint")


async def test_amend_and_decrease_work_on_the_resting_part(stand: Stand) -> None:
    client = stand.client()
    _, created = await client.place("bid", "0.4000", "5.00", client_order_id="a")
    path = f"{ORDERS}/{created['order_id']}"
    amendment = {"ticker": OKC, "side": "bid", "price": "0.4100", "count": "6.00", "updated_client_order_id": "b"}
    status, body = await client.call("POST", path + "/amend", amendment)
    assert (status, body["client_order_id"], body["remaining_count"]) == (200, "b", "6.00")
    status, body = await client.call("POST", path + "/amend", amendment | {"side": "ask"})
    assert status == 400
    status, body = await client.call("POST", path + "/decrease", {"reduce_by": "2.00"})
    assert (status, body["remaining_count"]) == (200, "4.00")
    assert (await client.call("POST", path + "/decrease", {}))[0] == 400
    order = (await client.get(f"/portfolio/orders/{created['order_id']}"))["order"]
    assert (order["yes_price_dollars"], order["remaining_count_fp"]) == ("0.4100", "4.00")


async def test_a_batch_answers_each_item_for_itself_and_cancel_all_takes_the_rest(stand: Stand) -> None:
    client = stand.client()
    item = {
        "ticker": OKC,
        "side": "bid",
        "count": "1",
        "price": "0.10",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "maker",
    }
    status, body = await client.call("POST", ORDERS + "/batched", {"orders": [item, item | {"price": "0.105"}, item]})
    assert (status, [row.get("error", {}).get("code") for row in body["orders"]]) == (
        201,
        [None, "invalid_price", None],
    )
    ids = [row["order_id"] for row in body["orders"] if "order_id" in row]
    status, body = await client.call(
        "DELETE", ORDERS + "/batched", {"orders": [{"order_id": ids[0]}, {"order_id": "none"}]}
    )
    assert [(row["reduced_by"], row.get("error", {}).get("code")) for row in body["orders"]] == [
        ("1.00", None),
        ("0.00", "not_found"),
    ]
    assert (await client.reply("DELETE", ORDERS)).status_code == 204
    assert (await client.get("/portfolio/orders", status="resting"))["orders"] == []


async def test_by_id_operations_look_on_shard_zero_unless_told() -> None:
    async with kalshi_stand(shard=3) as stand:
        poor, rich = stand.client(), stand.client(shard=3)
        assert (await poor.place("bid", "0.10", "1"))[1]["error"]["code"] == "insufficient_balance"
        transfer = {"source": "event_contract", "destination": "event_contract", "amount": 10_000}
        transfer |= {"source_exchange_shard": 0, "destination_exchange_shard": 3, "client_transfer_id": "t-1"}
        assert (await poor.call("POST", "/portfolio/intra_exchange_instance_transfer", transfer))[0] == 200
        assert (await poor.call("POST", "/portfolio/intra_exchange_instance_transfer", transfer))[0] == 409
        moved = (await poor.get("/portfolio/intra_exchange_instance_transfers/t-1"))["transfer"]
        assert (moved["amount"], moved["status"]) == ("1.0000", "complete")
        assert (await poor.place("bid", "0.10", "1"))[0] == 201
        _, order = await rich.place("bid", "0.10", "1", exchange_index=3)
        path = f"{ORDERS}/{order['order_id']}"
        assert (await rich.call("DELETE", path))[0] == 404
        assert (await rich.call("DELETE", path, market_ticker=OKC))[0] == 200
        _, order = await rich.place("bid", "0.10", "1")
        assert (await rich.call("DELETE", f"{ORDERS}/{order['order_id']}", exchange_index=3))[0] == 200


async def test_groups_are_created_triggered_reset_and_deleted(stand: Stand) -> None:
    client = stand.client()
    status, made = await client.call("POST", "/portfolio/order_groups/create", {"contracts_limit": 10})
    assert (status, set(made)) == (201, {"order_group_id", "subaccount", "exchange_index"})
    group = made["order_group_id"]
    _, order = await client.place("bid", "0.10", "1", order_group_id=group)
    assert (await client.get(f"/portfolio/order_groups/{group}"))["orders"] == [order["order_id"]]
    assert (await client.call("PUT", f"/portfolio/order_groups/{group}/trigger"))[0] == 200
    assert (await client.get(f"/portfolio/orders/{order['order_id']}"))["order"]["status"] == "canceled"
    assert (await client.place("bid", "0.10", "1", order_group_id=group))[0] == 409
    assert (await client.call("PUT", f"/portfolio/order_groups/{group}/reset"))[0] == 200
    assert (await client.place("bid", "0.10", "1", order_group_id=group))[0] == 201
    assert (await client.call("DELETE", f"/portfolio/order_groups/{group}"))[0] == 200
    assert (await client.get("/portfolio/order_groups"))["order_groups"] == []
