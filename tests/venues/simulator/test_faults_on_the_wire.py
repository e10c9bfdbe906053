"""Every fault of a request as a client sees it on a real socket, and whether the order is there afterwards."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable

import httpx
import pytest

from tests.venues.simulator.kalshi_stand import OKC, ORDERS, ROOT, Client, Stand, kalshi_stand
from venues.simulator.fault_bodies import BOMB_BYTES, HUGE_BYTES
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults

BROKEN = (httpx.RemoteProtocolError, httpx.ReadError)
SILENT = (httpx.ReadTimeout,)
IMPATIENT_S = 0.08
BODY = {
    "ticker": OKC,
    "side": "bid",
    "count": "1",
    "price": "0.10",
    "time_in_force": "good_till_canceled",
    "self_trade_prevention_type": "taker_at_cross",
}


async def create(client: Client, *, read_s: float = 10.0) -> httpx.Response:
    headers = client.headers("POST", ROOT + ORDERS)
    timeout = httpx.Timeout(10.0, read=read_s)
    return await client.http.post(ROOT + ORDERS, json=BODY, headers=headers, timeout=timeout)


def orders(stand: Stand) -> int:
    """How many the exchange took, whatever it answered."""
    return sum(len(stand.exchange.orders(name)) for name in stand.exchange.account_ids())


async def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


NEVER = {
    "swallow": (SILENT, 0),
    "drop_before": (BROKEN, 0),
    "refuse": (BROKEN, 0),
    "hold": (SILENT, 1),
    "accept_then_drop": (BROKEN, 1),
    "accept_then_swallow": (SILENT, 1),
    "delay_reply": (SILENT, 1),
    "cut_short": (BROKEN, 1),
}


async def test_an_answer_that_never_comes():
    plan = ScheduledFaults()
    async with kalshi_stand(faults=plan) as stand:
        for fault, (error, taken) in NEVER.items():
            delay_ms, had = 250 if fault in ("hold", "delay_reply") else 0, orders(stand)
            plan.clear()
            plan.add(FaultRule(fault=fault, delay_ms=delay_ms, match=Match(op="create")))
            with pytest.raises(error):
                await create(stand.client(), read_s=IMPATIENT_S if error is SILENT else 10.0)
            await until(lambda had=had, taken=taken: orders(stand) == had + taken)  # type: ignore[misc]
            assert plan.struck[fault] == 1


async def test_a_held_request_takes_effect_after_everybody_has_gone():
    plan = ScheduledFaults([FaultRule(fault="hold", delay_ms=250, match=Match(op="create"))])
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        with pytest.raises(SILENT):
            await create(client, read_s=IMPATIENT_S)
        assert orders(stand) == 0
        await client.http.aclose()
        await until(lambda: orders(stand) == 1)


ANSWERS = {
    **{f"{status}_before": (status, 0) for status in (500, 502, 503, 504)},
    **{f"{status}_after": (status, 1) for status in (500, 502, 503, 504)},
    **{f"redirect_{status}": (status, 0) for status in (301, 302, 307, 308)},
    "429": (429, 0),
    "429_ra": (429, 0),
    "429_after": (429, 1),
    "401": (401, 0),
    "403": (403, 0),
    "425": (425, 0),
    "refusal": (400, 0),
    "not_found": (404, 1),
}


async def test_another_answer_before_or_after_the_effect():
    plan = ScheduledFaults()
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        for fault, (status, taken) in ANSWERS.items():
            had = orders(stand)
            plan.clear()
            plan.add(FaultRule(fault=fault, match=Match(op="create", nth=2)))
            assert (await create(client)).status_code == 201
            reply = await create(client)
            assert (reply.status_code, orders(stand)) == (status, had + 1 + taken), fault
            assert ("location" in reply.headers) is (300 <= status < 400)
            assert ("retry-after" in reply.headers) is (fault == "429_ra")


async def test_a_429_may_say_anything_about_when_and_a_refusal_has_any_status_and_code():
    plan = ScheduledFaults()
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        for text in ("1", "30", "Fri, 01 Jan 2100 00:00:00 GMT", "soon"):
            plan.clear()
            plan.add(FaultRule(fault="429_ra", retry_after=text))
            assert (await create(client)).headers["retry-after"] == text
        for status, code in ((400, "insufficient_balance"), (409, "market_closed"), (418, "teapot")):
            plan.clear()
            plan.add(FaultRule(fault="refusal", status=status, code=code))
            reply = await create(client)
            assert (reply.status_code, reply.json()["error"]["code"], orders(stand)) == (status, code, 0)


def no_json(content: bytes) -> bool:
    try:
        json.loads(content, parse_constant=lambda word: pytest.fail(word) if word != "NaN" else None)
    except ValueError:
        return True
    return False


DAMAGES: dict[str, Callable[[httpx.Response], object]] = {
    "truncated": lambda reply: no_json(reply.content) and reply.content.startswith(b'{"'),
    "empty": lambda reply: reply.content == b"",
    "wrong_type": lambda reply: isinstance(reply.json()["order_id"], list),
    "error_body": lambda reply: "error" in reply.json() and "order_id" not in reply.json(),
    "no_order": lambda reply: set(reply.json()) == {"ts_ms"},
    "wrong_content_type": lambda reply: reply.headers["content-type"].startswith("text/html") and reply.json(),
    "huge": lambda reply: len(reply.content) > HUGE_BYTES and reply.json()["order_id"],
    "nan": lambda reply: reply.content.count(b"NaN") >= 3 and b'"fill_count":"NaN"' in reply.content,
    "quoted_nan": lambda reply: reply.json()["fill_count"] == "NaN" and reply.json()["ts_ms"] > 0,
    "duplicate_keys": lambda reply: reply.content.count(b'"order_id"') == 2 and reply.json()["order_id"],
    "html": lambda reply: reply.content.startswith(b"<!DOCTYPE html>"),
}


async def test_a_damaged_body_under_a_status_of_success():
    plan = ScheduledFaults()
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        for number, (fault, shows) in enumerate(DAMAGES.items(), 1):
            plan.clear()
            plan.add(FaultRule(fault=fault, match=Match(op="create")))
            reply = await create(client)
            assert (reply.status_code, orders(stand)) == (201, number), fault
            assert shows(reply), fault


async def test_a_bomb_is_small_on_the_wire():
    plan = ScheduledFaults([FaultRule(fault="gzip_bomb")])
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        headers = client.headers("POST", ROOT + ORDERS)
        async with client.http.stream("POST", ROOT + ORDERS, json=BODY, headers=headers) as reply:
            packed = b"".join([chunk async for chunk in reply.aiter_raw()])
        assert reply.headers["content-encoding"] == "gzip"
        assert len(packed) * 100 < BOMB_BYTES == len(gzip.decompress(packed))


async def test_a_dripping_answer_comes_byte_by_byte():
    plan = ScheduledFaults([FaultRule(fault="drip", delay_ms=4, match=Match(op="create"))])
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        headers = client.headers("POST", ROOT + ORDERS)
        async with client.http.stream("POST", ROOT + ORDERS, json=BODY, headers=headers) as reply:
            chunks = [chunk async for chunk in reply.aiter_raw() if chunk]
        assert len(chunks) > 20 and json.loads(b"".join(chunks))["order_id"]
        assert orders(stand) == 1


async def test_rows_that_exist_are_not_shown():
    plan = ScheduledFaults([FaultRule(fault="fills_only_by_socket")])
    async with kalshi_stand(faults=plan) as stand:
        stand.quote([], [(10, 5)])
        client = stand.client()
        assert (await create(client)).json()["fill_count"] == "1.00"
        assert (await client.get("/portfolio/fills"))["fills"] == []
        assert len((await client.get("/portfolio/orders"))["orders"]) == 1
        plan.clear()
        assert len((await client.get("/portfolio/fills"))["fills"]) == 1
