"""What venues take at times: pauses, restarts, delays, failed trades; as both real adapters see it over the wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.contract.bench import Bench, bench
from tests.venues.hostile.conftest import Watched
from venues.errors import NotSent, OutcomeUnknown, Rejected, Throttled, VenueError
from venues.types import MICRO, OrderState, SettleState, TimeInForce, Venue


@pytest.fixture
async def kalshi() -> AsyncIterator[Bench]:
    async with bench(Venue.KALSHI) as on:
        yield on


@pytest.fixture
async def polymarket() -> AsyncIterator[Bench]:
    async with bench(Venue.POLYMARKET) as on:
        yield on


async def enter(on: Bench, **wish: Any) -> None:
    async with httpx.AsyncClient(base_url=on.control_url) as control:
        reply = await control.post("/modes", json={"venue": on.capabilities.venue.value, **wish})
        assert reply.status_code == 200, reply.text


async def refusal(answer: Awaitable[object]) -> VenueError:
    with pytest.raises(VenueError) as raised:
        await answer
    return raised.value


async def until(seen: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 60
    while not await seen():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_trading_pause_takes_cancels_and_an_exchange_pause_takes_nothing(kalshi: Bench):
    _, ref = await kalshi.place(kalshi.request(cancel_on_pause=False))
    _, kept = await kalshi.place(kalshi.request(cancel_on_pause=False))
    _, gone = await kalshi.place(kalshi.request(cancel_on_pause=True))
    for mode in ("trading_pause", "cancel_only"):
        await enter(kalshi, mode=mode)
        error = await refusal(by_another_door(kalshi))
        assert isinstance(error, Rejected) and error.code == "trading_is_paused"
    assert await kalshi.open_ids() == {ref.venue_order_id, kept.venue_order_id}
    assert (await kalshi.gateway.cancel(gone)).reason == "not_found"
    assert (await kalshi.gateway.cancel(ref)).is_canceled
    await enter(kalshi, mode="exchange_pause")
    assert (await refusal(by_another_door(kalshi))).code == "exchange_is_paused"
    refused = await kalshi.gateway.cancel(kept)
    assert (refused.is_canceled, refused.reason) == (False, "exchange_is_paused")
    await enter(kalshi, mode="normal")
    assert (await kalshi.gateway.cancel(kept)).is_canceled


async def by_another_door(on: Bench) -> object:
    """An order by a door that knows of no pause yet."""
    reader, gateway = on.doors()
    try:
        return await gateway.place(gateway.prepare(on.request()))
    finally:
        await gateway.aclose()
        await reader.aclose()


async def test_into_a_pause_one_order_is_sent_and_none_more_until_the_exchange_says_it_is_over():
    plan, now = Watched(), 0.0
    async with bench(Venue.KALSHI, faults=plan) as kalshi:
        gateway: Any = kalshi.gateway
        gateway.pauses._clock = lambda: now
        await enter(kalshi, mode="trading_pause")
        assert isinstance(await refusal(kalshi.place(kalshi.request())), Rejected)
        for moment in (0.0, 4.9, 5.0, 9.9, 10.0):
            now = moment
            error = await refusal(kalshi.place(kalshi.request()))
            assert isinstance(error, NotSent) and error.code == "trading_is_paused"
        assert (plan.asked["create"], plan.asked["exchange_status"]) == (1, 2)
        await enter(kalshi, mode="normal")
        now = 14.9
        assert isinstance(await refusal(kalshi.place(kalshi.request())), NotSent), "the last look was 4.9 s ago"
        now = 15.0
        await kalshi.place(kalshi.request())
        assert (plan.asked["create"], plan.asked["exchange_status"]) == (2, 3)


async def test_an_exchange_pause_ends_the_sessions(kalshi: Bench):
    async with kalshi.heard(kalshi.reader):
        (socket,) = kalshi.reader.sockets  # type: ignore[attr-defined]
        before = socket.connections
        await enter(kalshi, mode="exchange_pause")

        async def is_back() -> bool:
            return socket.connections > before and socket.is_up

        await until(is_back)


async def test_client_ids_are_unique_for_ever_or_among_open_orders(kalshi: Bench):
    request = kalshi.request(client_order_id="once")
    _, ref = await kalshi.place(request)
    await kalshi.gateway.cancel(ref)
    error = await refusal(kalshi.place(request))
    assert isinstance(error, OutcomeUnknown) and error.code == "order_already_exists"
    await enter(kalshi, client_ids="open_only")
    ack, again = await kalshi.place(request)
    assert ack.venue_order_id != ref.venue_order_id
    assert (await refusal(kalshi.place(request))).code == "order_already_exists"
    await kalshi.gateway.cancel(again)


async def test_reads_are_stale_after_a_cancel_until_their_time_is_over(kalshi: Bench):
    _, ref = await kalshi.place(kalshi.request())
    await enter(kalshi, stale_read_ms=360)
    await kalshi.wait_ms(400)
    assert (await kalshi.gateway.cancel(ref)).is_canceled
    assert ref.venue_order_id in await kalshi.open_ids()
    await kalshi.wait_ms(359)
    assert ref.venue_order_id in await kalshi.open_ids()
    await kalshi.wait_ms(1)
    assert ref.venue_order_id not in await kalshi.open_ids()


async def test_an_order_beyond_the_tokens_is_a_429_without_a_time(kalshi: Bench):
    await enter(kalshi, tier="basic")
    path = "/portfolio/events/orders"
    rest: Any = kalshi.gateway.rest  # type: ignore[attr-defined]
    prepared = [kalshi.gateway.prepare(kalshi.request()) for _ in range(16)]
    replies = await asyncio.gather(*(rest._write("POST", path, each.body) for each in prepared))
    throttled = [one for one in replies if one.status == 429]
    assert throttled and "retry-after" not in throttled[0].headers
    assert isinstance(rest.write_failure(throttled[0]), Throttled)


async def test_a_restart_answers_425_then_takes_post_only_orders_then_all(polymarket: Bench):
    _, ref = await polymarket.place(polymarket.request())
    await enter(polymarket, mode="restart", restart_s=600, post_only_s=600)
    error = await refusal(polymarket.place(polymarket.request()))
    assert isinstance(error, Rejected) and (error.code, error.status) == ("engine_restarting", 425)
    assert isinstance(await refusal(polymarket.place(polymarket.request())), NotSent)
    assert (await polymarket.gateway.cancel(ref)).reason == "engine_restarting"
    await enter(polymarket, mode="post_only", post_only_s=600)
    _, fresh = polymarket.doors()
    error = await refusal(fresh.place(fresh.prepare(polymarket.request())))
    assert (error.code, error.status) == ("post_only", 503)
    ack = await fresh.place(fresh.prepare(polymarket.request(post_only=True)))
    assert ack.state is OrderState.RESTING
    assert (await fresh.cancel(ref)).is_canceled
    await enter(polymarket, mode="normal")
    _, calm = polymarket.doors()
    assert (await calm.place(calm.prepare(polymarket.request()))).state is OrderState.RESTING
    await fresh.aclose()
    await calm.aclose()


@pytest.mark.parametrize(
    ("mode", "code", "is_canceled"), [("cancel_only", "cancel_only", True), ("disabled", "trading_disabled", False)]
)
async def test_a_503_says_what_is_still_taken(polymarket: Bench, mode: str, code: str, is_canceled: bool):
    _, ref = await polymarket.place(polymarket.request())
    await enter(polymarket, mode=mode)
    error = await refusal(polymarket.place(polymarket.request()))
    assert (error.code, error.status) == (code, 503)
    ack = await polymarket.gateway.cancel(ref)
    assert (ack.is_canceled, ack.reason) == (is_canceled, "" if is_canceled else code)


async def test_a_delayed_order_can_be_neither_canceled_nor_repeated_and_is_then_matched(polymarket: Bench):
    await enter(polymarket, taker_delay_ms=1_000)
    request = polymarket.request(price_u=polymarket.taking_u(), time_in_force=TimeInForce.IOC)
    ack, ref = await polymarket.place(request)
    assert (ack.state, ack.filled_u) == (OrderState.DELAYED, 0)
    refused = await polymarket.gateway.cancel(ref)
    assert not refused.is_canceled and "delayed" in refused.reason
    assert (await refusal(polymarket.place(request))).code == "duplicate_order"
    assert await polymarket.fills() == []
    await polymarket.wait_ms(1_100)
    assert sum(fill.qty_u for fill in await polymarket.fills()) > 0


async def test_matched_trades_fail_or_are_retried_and_confirmed(polymarket: Bench):
    await enter(polymarket, taker_delay_ms=0, fates=["failed", "retrying"])
    for _ in range(2):
        terms = {"price_u": polymarket.taking_u(), "qty_u": 5 * MICRO, "time_in_force": TimeInForce.IOC}
        await polymarket.place(polymarket.request(**terms))
    assert {fill.settle_state for fill in await polymarket.fills()} == {SettleState.PENDING}
    await polymarket.wait_ms(5_100)
    states = sorted(fill.settle_state.value for fill in await polymarket.fills())
    assert "failed" in states and "pending" in states
    await polymarket.wait_ms(5_100)
    states = sorted({fill.settle_state.value for fill in await polymarket.fills()})
    assert states == ["confirmed", "failed"]
    account = await polymarket.ledger()
    assert sum(entry["amount_u"] for entry in account["entries"]) == account["cash_u"]
    assert polymarket.exchange.imbalance_u() == 0
