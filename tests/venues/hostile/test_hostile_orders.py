"""Whatever a venue answers to an order or a cancel, both adapters end in a typed error, once, and never in a guess."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest

from tests.contract.bench import Bench
from tests.venues.hostile.conftest import Watched, error_of
from venues.errors import AuthFailed, NotSent, OutcomeUnknown, Rejected, Throttled, VenueError
from venues.ports import OrderGateway, OrderRef
from venues.simulator.fault_kinds import KINDS, Phase
from venues.simulator.fault_plan import FaultRule, Match
from venues.types import MICRO, PriceBand, Venue

SLOW = ("swallow", "accept_then_swallow", "hold", "delay_reply", "drip")
"""They cost the whole deadline: let them strike together."""
THROTTLING = ("429", "429_ra", "429_after")
HARMLESS = ("no_rows", "fills_only_by_socket", "storm", "auth_expired")
FAST = sorted(
    name
    for name, kind in KINDS.items()
    if kind.phase is not Phase.FRAME and name not in (*SLOW, *HARMLESS, *THROTTLING, "refusal", "not_found", "425")
)
DEADLINE_S = 3.0


async def with_gateway(on: Bench, act: Callable[[OrderGateway], Awaitable[object]]) -> VenueError | None:
    reader, gateway = on.doors()
    try:
        return await error_of(act(gateway))
    finally:
        await gateway.aclose()
        await reader.aclose()


def kind_of(fault: str) -> type[VenueError]:
    return AuthFailed if fault in ("401", "403") else OutcomeUnknown


async def place(on: Bench, gateway: OrderGateway) -> object:
    return await gateway.place(gateway.prepare(on.request()))


async def test_a_hostile_answer_to_an_order_leaves_it_unknown_and_is_asked_for_once(venue: Bench, plan: Watched):
    wrong = {}
    for fault in FAST:
        had = len(await venue.open_ids()) if fault in ("nan", "quoted_nan") else 0
        plan.only(fault)
        error = await with_gateway(venue, lambda gateway: place(venue, gateway))
        if fault in ("nan", "quoted_nan") and error is None:
            assert len(await venue.open_ids()) == had + 1  # an answer without numbers was left whole
            continue
        if type(error) is Rejected or not isinstance(error, kind_of(fault)) or plan.asked["create"] != 1:
            wrong[fault] = (repr(error), plan.asked["create"])
    assert wrong == {}


async def test_an_answer_that_takes_for_ever_ends_at_the_deadline(venue: Bench, plan: Watched):
    plan.clear()
    for nth, fault in enumerate(SLOW, 1):
        plan.add(
            FaultRule(fault=fault, delay_ms=60_000 if fault != "drip" else 1_000, match=Match(op="create", nth=nth))
        )
    began = time.monotonic()
    gateway = venue.gateway
    errors = await asyncio.gather(*(error_of(place(venue, gateway)) for _ in SLOW))
    took_s = time.monotonic() - began
    assert [type(error) for error in errors] == [OutcomeUnknown] * len(SLOW)
    assert DEADLINE_S - 0.5 <= took_s < DEADLINE_S + 4
    assert plan.asked["create"] == len(SLOW)


async def test_a_host_that_cannot_be_reached_was_sent_nothing(venue: Bench, plan: Watched):
    prepared = venue.gateway.prepare(venue.request())
    await venue.stop_venue()
    assert isinstance(await error_of(venue.gateway.place(prepared)), NotSent)
    assert plan.asked["create"] == 0


async def test_only_codes_of_the_list_reject_an_order(venue: Bench, plan: Watched):
    definitive = {
        Venue.KALSHI: [(400, "insufficient_balance"), (409, "market_closed"), (400, "invalid_price")],
        Venue.POLYMARKET: [(400, "not enough balance / allowance"), (400, "invalid signature")],
    }
    unheard_of = [
        (400, "gremlins"),
        (409, "gremlins"),
        (418, "teapot"),
        (404, ""),
        (422, "unprocessable"),
        (451, "law"),
    ]
    for rows, expected in ((definitive[venue.capabilities.venue], Rejected), (unheard_of, OutcomeUnknown)):
        for status, code in rows:
            plan.only("refusal", status=status, code=code)
            error = await with_gateway(venue, lambda gateway: place(venue, gateway))
            assert isinstance(error, expected), (status, code, error)


async def test_a_hostile_answer_to_a_cancel_proves_nothing_and_is_asked_for_once(venue: Bench, plan: Watched):
    wrong = {}
    for fault in FAST:
        plan.clear()
        _, ref = await venue.place(venue.request())
        plan.only(fault, op="cancel")
        error = await with_gateway(venue, lambda gateway, ref=ref: gateway.cancel(ref))  # type: ignore[misc]
        if fault in ("nan", "quoted_nan") and error is None:
            assert ref.venue_order_id not in await venue.open_ids()  # an answer without numbers was left whole
            continue
        if type(error) is Rejected or not isinstance(error, kind_of(fault)) or plan.asked["cancel"] != 1:
            wrong[fault] = (repr(error), plan.asked["cancel"])
    assert wrong == {}


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [("429", ""), ("429_after", ""), ("429_ra", "30"), ("429_ra", "Fri, 01 Jan 2100 00:00:00 GMT"), ("429_ra", "soon")],
)
async def test_after_a_429_orders_wait_and_cancels_do_not(venue: Bench, plan: Watched, fault: str, retry_after: str):
    plan.clear()
    _, ref = await venue.place(venue.request())
    plan.only(fault, retry_after=retry_after)
    error = await error_of(place(venue, venue.gateway))
    assert isinstance(error, Throttled) and isinstance(error, OutcomeUnknown)
    assert isinstance(await error_of(place(venue, venue.gateway)), NotSent)
    assert plan.asked["create"] == 1
    assert (await venue.gateway.cancel(ref)).is_canceled


async def test_while_throttled_all_senders_of_the_account_make_one_probe_an_interval(venue: Bench, plan: Watched):
    """Ten senders that would order all the time; the venue throttles until its third answer (ORDERS H08, H09)."""
    plan.clear()
    _, ref = await venue.place(venue.request())
    plan.only("429", times=2)
    is_over = asyncio.Event()

    async def sender() -> None:
        while not is_over.is_set():
            await error_of(place(venue, venue.gateway))
            await asyncio.sleep(0.01)

    await error_of(place(venue, venue.gateway))
    began = time.monotonic()
    senders = asyncio.gather(*(sender() for _ in range(10)))
    assert (await venue.gateway.cancel(ref)).is_canceled, "cancels keep their own tokens"
    while time.monotonic() < began + 0.9:
        assert plan.asked["create"] == 1
        await asyncio.sleep(0.05)
    while plan.asked["create"] < 2:
        assert time.monotonic() < began + 20
        await asyncio.sleep(0.01)
    probed = time.monotonic()
    assert (await venue.gateway.cancel(ref)).is_canceled is False
    while time.monotonic() < probed + 0.5:
        assert plan.asked["create"] == 2, "it was throttled again: nobody asks for twice the time"
        await asyncio.sleep(0.05)
    is_over.set()
    await senders


async def test_a_redirect_is_not_followed_to_the_other_host(venue: Bench, plan: Watched):
    visitors: list[object] = []
    other = await asyncio.start_server(lambda reader, writer: visitors.append(writer), "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    try:
        for status in (301, 302, 307, 308):
            for op in ("create", "cancel"):
                plan.only(f"redirect_{status}", location=f"http://127.0.0.1:{port}/order", op=op)
                act = cancel_something if op == "cancel" else place
                error = await with_gateway(venue, lambda gateway, act=act: act(venue, gateway))  # type: ignore[misc]
                assert isinstance(error, OutcomeUnknown) and plan.asked[op] == 1
    finally:
        other.close()
    assert visitors == []


async def cancel_something(on: Bench, gateway: OrderGateway) -> object:
    ref = OrderRef(client_order_id="x", venue_order_id="0x" + "ab" * 32, market=on.market, placed_ms=on.now_ms)
    return await gateway.cancel(ref)


async def test_a_kept_connection_that_the_venue_closes_is_written_to_once(venue: Bench, plan: Watched):
    plan.clear()
    for _ in range(5):
        await venue.place(venue.request())
        plan.asked.clear()
        assert venue.face.host.close_idle() >= 1
        error = await error_of(place(venue, venue.gateway))
        assert error is None or isinstance(error, NotSent | OutcomeUnknown)
        assert plan.asked["create"] == (0 if error is not None else 1)
    plan.only("drop_before")
    assert isinstance(await error_of(place(venue, venue.gateway)), OutcomeUnknown)
    assert plan.asked["create"] == 1


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """This process may open nothing more, not even a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, hard))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_with_no_descriptor_left_nothing_is_sent_and_a_cancel_takes_the_connection_there_is(
    venue: Bench, plan: Watched
):
    plan.clear()
    _, ref = await venue.place(venue.request())
    reader, fresh = venue.doors()
    prepared = fresh.prepare(venue.request())
    plan.asked.clear()
    with no_descriptor_left():
        assert isinstance(await error_of(fresh.place(prepared)), NotSent)
        assert (await venue.gateway.cancel(ref)).is_canceled
    assert plan.asked["create"] == 0
    await fresh.aclose()
    await reader.aclose()


async def test_a_price_of_a_grid_that_is_no_more_is_refused_for_good_and_not_repeated(venue: Bench, plan: Watched):
    """The venue's grid became coarser while the order was on its way (ORDERS O13)."""
    plan.clear()
    plan.asked.clear()
    as_it_was = msgspec.structs.replace(venue.market, bands=(PriceBand(0, MICRO, 1_000),))
    error = await error_of(venue.place(venue.request(market=as_it_was, price_u=55_000)))
    assert type(error) is Rejected and plan.asked["create"] == 1
    assert await venue.open_ids() == set()
