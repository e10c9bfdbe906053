"""The Kalshi socket: acknowledgement before data, one sequence per sid, and the frames of FACTS §7."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.venues.simulator.kalshi_stand import OKC, ORDERS, SAS, WS, Client, Stand, Stream, kalshi_stand
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.types import MICRO, MarketState


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with kalshi_stand() as made:
        made.quote([(47, 3)], [(52, 3)])
        yield made


def subscribe(*channels: str, command_id: int = 1, **params: object) -> dict[str, object]:
    return {"id": command_id, "cmd": "subscribe", "params": {"channels": list(channels)} | params}


def update(action: str, *tickers: str, sid: int = 1, command_id: int = 2) -> dict[str, object]:
    params = {"sid": sid, "action": action, "market_tickers": list(tickers)}
    return {"id": command_id, "cmd": "update_subscription", "params": params}


async def test_the_upgrade_must_be_signed(stand: Stand) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{stand.port}{WS}"):
            pass
    assert refused.value.response.status_code == 401


async def test_the_ack_comes_first_and_frames_are_lines(stand: Stand) -> None:
    async with stand.client().socket() as stream:
        await stream.send(subscribe("orderbook_delta", "trade", market_tickers=[OKC], use_yes_price=True))
        assert await stream.raw() == '{"type":"subscribed","id":1,"msg":{"channel":"orderbook_delta","sid":1}}\n'
        assert await stream.raw() == '{"type":"subscribed","id":1,"msg":{"channel":"trade","sid":2}}\n'
        text = await stream.raw()
        market_id = stand.catalog.markets[OKC].market_id
        assert text == (
            f'{{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{{"market_ticker":"{OKC}","market_id":"{market_id}",'
            '"yes_dollars_fp":[["0.4700","3.00"]],"no_dollars_fp":[["0.5200","3.00"]]}}\n'
        )


@pytest.mark.parametrize(("use_yes_price", "no_price"), [(True, "0.5300"), (False, "0.4700")])
async def test_the_no_side_is_priced_in_the_leg_that_was_asked_for(
    stand: Stand, use_yes_price: bool, no_price: str
) -> None:
    async with stand.client().socket() as stream:
        await stream.send(subscribe("orderbook_delta", market_ticker=OKC, use_yes_price=use_yes_price))
        _, snapshot = await stream.take(2)
        assert snapshot["msg"]["no_dollars_fp"] == [["0.5200" if use_yes_price else "0.4800", "3.00"]]
        stand.quote([(47, 1)], [(52, 3), (53, 5)])
        shrunk, grown = await stream.take(2)
        assert (shrunk["seq"], shrunk["msg"]["side"], shrunk["msg"]["delta_fp"]) == (2, "yes", "-2.00")
        assert set(grown["msg"]) == {"market_ticker", "market_id", "price_dollars", "delta_fp", "side", "ts", "ts_ms"}
        assert (grown["msg"]["price_dollars"], grown["msg"]["side"], grown["msg"]["delta_fp"]) == (
            no_price,
            "no",
            "5.00",
        )


async def test_a_side_without_levels_is_absent(stand: Stand) -> None:
    async with stand.client().socket() as stream:
        await stream.send(subscribe("orderbook_delta", market_ticker=SAS))
        _, snapshot = await stream.take(2)
        assert set(snapshot["msg"]) == {"market_ticker", "market_id"}


async def test_one_sequence_counts_data_and_control_replies(stand: Stand) -> None:
    async with stand.client().socket() as stream:
        await stream.send(subscribe("orderbook_delta", market_tickers=[OKC], use_yes_price=True))
        await stream.take(2)
        await stream.send(update("add_markets", SAS))
        ok, snapshot = await stream.take(2)
        assert ok == {"type": "ok", "id": 2, "sid": 1, "seq": 2, "msg": {"market_tickers": [OKC, SAS]}}
        assert (snapshot["type"], snapshot["seq"], snapshot["msg"]["market_ticker"]) == ("orderbook_snapshot", 3, SAS)
        stand.quote([(40, 1)], [], SAS)
        assert (await stream.next())["seq"] == 4
        await stream.send(update("get_snapshot", SAS, command_id=7))
        again = await stream.next()
        assert (again["id"], again["seq"], again["msg"]["yes_dollars_fp"]) == (7, 5, [["0.4000", "1.00"]])
        await stream.send(update("delete_markets", SAS))
        assert (await stream.next())["msg"] == {"market_tickers": [OKC]}
        stand.quote([(41, 1)], [], SAS)
        await stream.send({"id": 9, "cmd": "unsubscribe", "params": {"sids": [1]}})
        assert await stream.next() == {"type": "unsubscribed", "id": 9, "sid": 1, "seq": 7}
        await stream.send({"id": 3, "cmd": "list_subscriptions"})
        assert await stream.next() == {"type": "ok", "id": 3, "msg": []}


async def test_deltas_rebuild_the_book_exactly(stand: Stand) -> None:
    client = stand.client()
    async with client.socket() as stream:
        await stream.send(subscribe("orderbook_delta", market_ticker=OKC, use_yes_price=True))
        _, snapshot = await stream.take(2)
        book = {("yes", price): count for price, count in snapshot["msg"].get("yes_dollars_fp", [])}
        book |= {("no", price): count for price, count in snapshot["msg"].get("no_dollars_fp", [])}
        for step in range(30):
            stand.quote([(40 + step % 7, 2 + step), (39, 5)], [(50 + step % 5, 1 + step), (60, 5)])
        await client.place("bid", "0.5500", "40.00")
        await stream.send(update("get_snapshot", OKC, command_id=5))
        seqs = []
        while True:
            frame = await stream.next()
            seqs.append(frame["seq"])
            if frame["type"] == "orderbook_snapshot":
                break
            key = (frame["msg"]["side"], frame["msg"]["price_dollars"])
            total = round(float(book.get(key, 0)) + float(frame["msg"]["delta_fp"]), 2)
            book = {k: v for k, v in book.items() if k != key} | ({key: f"{total:.2f}"} if total else {})
        fresh = {("yes", price): count for price, count in frame["msg"].get("yes_dollars_fp", [])}
        fresh |= {("no", price): count for price, count in frame["msg"].get("no_dollars_fp", [])}
        assert book == fresh
        assert seqs == list(range(2, 2 + len(seqs)))


async def test_my_order_tells_me_and_nobody_else(stand: Stand) -> None:
    mine, other = stand.client(), stand.client()
    async with mine.socket() as stream, other.socket() as foreign:
        for each in (stream, foreign):
            await each.send(subscribe("fill", "user_orders", "market_positions", "orderbook_delta", market_ticker=OKC))
            await each.take(5)
        _, created = await mine.place("bid", "0.5200", "5.00", client_order_id="my-1")
        frames = await stream.take(5)
        kinds = [frame["type"] for frame in frames]
        assert kinds == ["orderbook_delta", "fill", "market_position", "orderbook_delta", "user_order"]
        deltas = [frame["msg"] for frame in frames if frame["type"] == "orderbook_delta"]
        assert [(delta["delta_fp"], delta["client_order_id"]) for delta in deltas] == [
            ("-3.00", "my-1"),
            ("2.00", "my-1"),
        ]
        fill = next(frame["msg"] for frame in frames if frame["type"] == "fill")
        assert (fill["client_order_id"], fill["order_id"]) == ("my-1", created["order_id"])
        assert (fill["yes_price_dollars"], fill["count_fp"], fill["post_position_fp"]) == ("0.5200", "3.00", "3.00")
        assert "seq" not in next(frame for frame in frames if frame["type"] == "fill")
        seen = [await foreign.next() for _ in range(2)]
        assert [frame["type"] for frame in seen] == ["orderbook_delta", "orderbook_delta"]
        assert all("client_order_id" not in frame["msg"] for frame in seen)


async def user_order(stream: Stream) -> dict[str, object]:
    while True:
        frame = await stream.next()
        if frame["type"] == "user_order":
            message: dict[str, object] = frame["msg"]
            return message


async def placed(client: Client, stand: Stand, **fields: object) -> str:
    _, created = await client.place("bid", "0.1000", "2.00", **fields)
    return str(created["order_id"])


async def test_order_frames_say_why(stand: Stand) -> None:
    client = stand.client()
    async with client.socket() as stream:
        await stream.send(subscribe("user_orders"))
        await stream.next()
        first = await placed(client, stand)
        message = await user_order(stream)
        assert (message["status"], message["last_update_reason"], message["ticker"]) == ("resting", "", OKC)
        await client.call("POST", f"{ORDERS}/{first}/decrease", {"reduce_to": "1.00"})
        assert (await user_order(stream))["last_update_reason"] == "Decrease"
        await client.call("DELETE", f"{ORDERS}/{first}")
        message = await user_order(stream)
        assert (message["status"], message["remaining_count_fp"]) == ("canceled", "0.00")
        await placed(client, stand, expiration_time=stand.clock.ms // 1000 + 5)
        await user_order(stream)
        stand.wait(6_000)
        assert (await user_order(stream))["last_update_reason"] == "ExpiryCancel"
        await placed(client, stand)
        await user_order(stream)
        stand.exchange.set_state(OKC, MarketState.CLOSED, stand.clock.ms)
        stand.wait(1_000)
        assert (await user_order(stream))["last_update_reason"] == "CloseCancel"


async def test_trades_tickers_and_the_life_of_a_market_are_public(stand: Stand) -> None:
    client = stand.client()
    async with client.socket() as stream:
        await stream.send(subscribe("trade", "ticker", "market_lifecycle_v2"))
        await stream.take(3)
        await client.place("bid", "0.5200", "1.00", time_in_force="immediate_or_cancel")
        trade, ticker = await stream.take(2)
        assert (trade["type"], trade["seq"], trade["msg"]["taker_book_side"]) == ("trade", 1, "bid")
        assert (ticker["type"], ticker["msg"]["price_dollars"], ticker["msg"]["yes_ask_size_fp"]) == (
            "ticker",
            "0.5200",
            "2.00",
        )
        assert "seq" not in ticker
        stand.exchange.determine(OKC, MICRO, stand.clock.ms)
        stand.wait(45_000)
        kinds = []
        while "settled" not in kinds:
            frame = await stream.next()
            if frame["type"] == "market_lifecycle_v2":
                kinds.append(frame["msg"]["event_type"])
        assert kinds == ["close_date_updated", "determined", "settled"]


async def test_groups_tell_their_changes(stand: Stand) -> None:
    client = stand.client()
    async with client.socket() as stream:
        await stream.send(subscribe("order_group_updates"))
        await stream.next()
        _, made = await client.call("POST", "/portfolio/order_groups/create", {"contracts_limit_fp": "5.00"})
        await client.call("PUT", f"/portfolio/order_groups/{made['order_group_id']}/trigger")
        frames = await stream.take(2)
        assert [(frame["seq"], frame["msg"]["event_type"]) for frame in frames] == [(1, "created"), (2, "triggered")]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("not json", 1),
        ({"id": 5, "cmd": "subscribe"}, 2),
        (subscribe(command_id=5), 3),
        ({"id": 5, "cmd": "unsubscribe", "params": {}}, 4),
        ({"id": 5, "cmd": "dance"}, 5),
        (update("add_markets", OKC, sid=77, command_id=5), 7),
        (subscribe("gossip", command_id=5), 8),
        (subscribe("trade", command_id=5, market_ticker=OKC, market_tickers=[OKC]), 11),
        ({"id": 5, "cmd": "update_subscription", "params": {"sids": [1, 2], "action": "add_markets"}}, 12),
        (update("explode", OKC, command_id=5), 13),
        (subscribe("orderbook_delta", command_id=5), 14),
        ({"id": 5, "cmd": "update_subscription", "params": {"sid": 1, "market_tickers": [OKC]}}, 15),
    ],
)
async def test_a_wrong_command_is_answered_with_its_code(stand: Stand, command: object, code: int) -> None:
    async with stand.client().socket() as stream:
        await stream.send(subscribe("trade"))
        await stream.next()
        await stream.send(command)
        answer = await stream.next()
        assert (answer["type"], answer["msg"]["code"]) == ("error", code)
        assert json.dumps(command) == '"not json"' or answer["id"] == 5


class LostDeltas(NoFaults):
    def frame(self, call: Call) -> Disturbance | None:
        return Disturbance(drop=True) if call.op == "orderbook_delta" else None


async def test_a_lost_frame_leaves_a_gap_that_a_snapshot_shows() -> None:
    async with kalshi_stand(faults=LostDeltas()) as stand, stand.client().socket() as stream:
        await stream.send(subscribe("orderbook_delta", market_ticker=OKC))
        await stream.take(2)
        stand.quote([(40, 1)], [])
        await stream.send(update("get_snapshot", OKC))
        assert (await stream.next())["seq"] == 3


async def test_written_frames_are_counted_by_client_port(stand: Stand) -> None:
    async with stand.client().socket() as stream:
        await stream.send(subscribe("orderbook_delta", market_ticker=OKC))
        await stream.take(2)
        stand.quote([(46, 3)], [(52, 3)])
        await stand.face.app.flush()
        ((port, path, sent),) = stand.face.app.sent_counts()
        assert (path, sent) == (WS, 4)
        assert port > 0
        await stream.take(2)
