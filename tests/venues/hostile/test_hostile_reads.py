"""Whatever a venue answers to a read, both adapters end in a typed error and never in a shorter list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.contract.bench import Bench
from tests.venues.hostile.conftest import Watched, error_of
from venues.errors import AuthFailed, OutcomeUnknown, ProtocolError, VenueError
from venues.ports import AccountReader
from venues.simulator.fault_plan import FaultRule

UNREADABLE = ("truncated", "cut_short", "empty", "wrong_type", "error_body", "no_order", "html")
REFUSED = ("drop_before", "500_before", "502_after", "503_before", "504_after", "redirect_302", "401", "403")
READABLE = ("huge", "wrong_content_type", "nan", "quoted_nan")
"""The truth is still in there: a read may believe it, or refuse to."""
READS: dict[str, Callable[[AccountReader], Awaitable[object]]] = {
    "open_orders": lambda reader: reader.open_orders(),
    "orders_since": lambda reader: reader.orders_since(0),
    "fills_since": lambda reader: reader.fills_since(0),
    "positions": lambda reader: reader.positions(),
    "balance": lambda reader: reader.balance(),
    "settlements_since": lambda reader: reader.settlements_since(0),
}


async def disturbed(on: Bench, plan: Watched, fault: str, read: str) -> VenueError | object:
    """What a read comes to while every answer suffers the fault: its value, or the error of ours that it raised."""
    plan.clear()
    plan.add(FaultRule(fault=fault, delay_ms=1 if fault == "drip" else 0))
    reader, gateway = on.doors()
    try:
        return await READS[read](reader)
    except VenueError as error:
        return error
    finally:
        plan.clear()
        await reader.aclose()
        await gateway.aclose()


async def test_a_hostile_answer_to_a_read_is_an_error_and_never_nothing(venue: Bench, plan: Watched):
    await venue.place(venue.request())
    await venue.take()
    wrong: dict[str, str] = {}
    for read, asked in READS.items():
        truth = await asked(venue.reader)
        for fault in (*UNREADABLE, *REFUSED):
            found = await disturbed(venue, plan, fault, read)
            if not isinstance(found, AuthFailed if fault in ("401", "403") else VenueError):
                wrong[f"{read} {fault}"] = repr(found)[:200]
        for fault in READABLE:
            found = await disturbed(venue, plan, fault, read)
            if not isinstance(found, VenueError) and found != truth:
                wrong[f"{read} {fault}"] = repr(found)[:200]
        await disturbed(venue, plan, "duplicate_keys", read)
    assert wrong == {}


async def test_a_bomb_or_a_drip_does_not_hold_a_reader_up(venue: Bench, plan: Watched):
    truth = await READS["balance"](venue.reader)
    assert isinstance(await disturbed(venue, plan, "gzip_bomb", "balance"), OutcomeUnknown)
    assert await disturbed(venue, plan, "drip", "balance") == truth


async def test_numbers_that_are_none_are_named(venue: Bench, plan: Watched):
    for fault in ("nan", "quoted_nan"):
        assert isinstance(await disturbed(venue, plan, fault, "balance"), ProtocolError), fault


async def test_an_order_that_cannot_be_read_is_not_an_order_that_is_gone(venue: Bench, plan: Watched):
    _, ref = await venue.place(venue.request())
    wrong = {}
    for fault in ("truncated", "wrong_type", "error_body", "no_order", "html", "500_before", "redirect_307", "nan"):
        plan.clear()
        plan.add(FaultRule(fault=fault))
        error = await error_of(venue.reader.order(ref))
        if not isinstance(error, VenueError):
            wrong[fault] = repr(error)
    plan.clear()
    assert wrong == {}
    assert (await venue.reader.order(ref)) is not None
