"""A paper account after a restart is the account before it: no fill lost, none doubled, whatever was torn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.venues.paper.stand import ACCOUNT, CENT_U, NOON_MS, PaperStand, now
from venues.errors import NotSent, OutcomeUnknown, ProtocolError
from venues.paper.journal import FileJournal
from venues.types import MICRO, MarketState, OrderState, Outcome, Side, TimeInForce, Venue

IOC = TimeInForce.IOC


def told(stand: PaperStand) -> Any:
    """Everything the account says of itself."""
    reader = stand.reader
    return (
        now(reader.orders_since(0)),
        now(reader.fills_since(0)),
        now(reader.positions()),
        now(reader.balance()),
        now(reader.settlements_since(0)),
    )


def busy(stand: PaperStand) -> None:
    """Taker and maker fills, one order resting, one canceled."""
    stand.book({48: 10, 47: 20}, {50: 5, 51: 20})
    stand.place(price_u=51 * CENT_U, qty_u=12 * MICRO, time_in_force=IOC)
    stand.place(price_u=49 * CENT_U, qty_u=4 * MICRO)
    stand.prints(49, 3, Side.SELL)
    now(stand.gateway.cancel(stand.ref(stand.place(price_u=30 * CENT_U))))


def test_a_restart_restores_everything_and_pays_nothing_in_twice(tmp_path: Path):
    before = PaperStand(journal=FileJournal(tmp_path / "a.jsonl"))
    busy(before)
    said = told(before)
    before.reader._exchange.close()
    after = PaperStand(journal=FileJournal(tmp_path / "a.jsonl"))
    after.now_ms = before.now_ms
    assert told(after) == said
    after.prints(49, 5, Side.SELL)
    assert len(after.fills) == len(said[1]), "the book is not known yet: nothing fills by being there"
    after.prints(48, 5, Side.SELL)
    assert len(after.fills) == len(said[1]) + 1


def test_fees_go_on_rounding_where_they_were(tmp_path: Path):
    """The remaining fills of an order cost the same with a restart in between as without."""
    costs = []
    for restarts in (False, True):
        path = tmp_path / f"{restarts}.jsonl"
        stand = PaperStand(journal=FileJournal(path))
        stand.book({40: 1}, {60: 1})
        stand.place(price_u=51 * CENT_U, qty_u=MICRO)
        for _ in range(7):
            stand.prints(50, 1, Side.SELL) if False else None
            stand.book({40: 1}, {})
            if restarts:
                stand.reader._exchange.close()
                stand = PaperStand(journal=FileJournal(path))
                stand.book({40: 1}, {})
            stand.hear(_asks(stand, 51 * CENT_U, 30_000))
        costs.append([one.fee_u for one in stand.read_fills()])
        stand.reader._exchange.close()
    assert costs[0] == costs[1] and len(costs[0]) == 7


def _asks(stand: PaperStand, price_u: int, qty_u: int) -> Any:
    from venues.types import BookLevel

    return BookLevel(stand.market.market_id, False, price_u, qty_u, stand.now_ms)


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_torn_last_line_was_never_told_and_is_cut_off(tmp_path: Path, cut: int):
    path = tmp_path / "a.jsonl"
    stand = PaperStand(journal=FileJournal(path))
    stand.book({48: 10}, {50: 5})
    said, size = told(stand), path.stat().st_size
    stand.place(price_u=50 * CENT_U, qty_u=5 * MICRO, time_in_force=IOC)
    stand.reader._exchange.close()
    os.truncate(path, path.stat().st_size - cut)

    after = PaperStand(journal=FileJournal(path))
    assert told(after) == said and path.stat().st_size == size
    after.book({48: 10}, {50: 5})
    after.place(price_u=50 * CENT_U, qty_u=5 * MICRO, time_in_force=IOC)
    after.reader._exchange.close()
    assert len(PaperStand(journal=FileJournal(path)).fills) == 1


def test_a_damaged_line_is_an_error_and_never_skipped(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    stand = PaperStand(journal=FileJournal(path))
    busy(stand)
    stand.reader._exchange.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'[{"type": "Filled"}]\n' + b"".join(lines[2:]))
    with pytest.raises(ProtocolError) as damage:
        PaperStand(journal=FileJournal(path))
    assert "Line 2" in damage.value.message


def test_two_processes_cannot_trade_one_paper_account(tmp_path: Path):
    held = FileJournal(tmp_path / "a.jsonl")
    with pytest.raises(NotSent):
        FileJournal(tmp_path / "a.jsonl")
    held.close()
    FileJournal(tmp_path / "a.jsonl").close()


def test_the_journal_is_for_its_owner_alone(tmp_path: Path):
    FileJournal(tmp_path / "a.jsonl").close()
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o600


def test_after_a_line_that_could_not_be_kept_nothing_is_told_or_answered(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    stand = PaperStand(journal=FileJournal(path))
    stand.book({48: 10}, {50: 5})
    heard = len(stand.told)
    os.close(stand.journal._file)  # type: ignore[attr-defined]
    with pytest.raises(OutcomeUnknown):
        stand.place(price_u=50 * CENT_U, qty_u=5 * MICRO, time_in_force=IOC)
    assert len(stand.told) == heard
    with pytest.raises(OutcomeUnknown):
        now(stand.reader.fills_since(0))
    with pytest.raises(OutcomeUnknown):
        now(stand.reader.open_orders())
    assert PaperStand(journal=FileJournal(tmp_path / "b.jsonl")).fills == []


async def test_a_settlement_that_nobody_heard_of_is_read_again_after_a_restart():
    import asyncio
    import time

    import msgspec

    stand = PaperStand(Venue.POLYMARKET)
    stand.list(taker_delay_ms=0)
    stand.book({48: 10}, {50: 5})
    await stand.gateway.place(stand.gateway.prepare(stand.request(qty_u=5 * MICRO, time_in_force=IOC)))
    again = stand.restart()
    settled = msgspec.structs.replace(stand.market, state=MarketState.SETTLED, result=Outcome.YES)
    again.scripted.reread[settled.market_id] = settled
    running = asyncio.create_task(again.reader.run(again.told.append))
    deadline = time.monotonic() + 60
    while not again.state.settlements:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert again.state.settlements[settled.market_id].payout_u == 5 * MICRO


def test_an_order_in_its_delay_survives_a_restart_and_waits_for_a_book():
    stand = PaperStand(Venue.POLYMARKET)
    stand.book({48: 10}, {50: 50})
    ack = stand.place(time_in_force=IOC)
    again = stand.restart()
    again.now_ms = NOON_MS + 3_500
    assert again.report(ack).state is OrderState.DELAYED
    again.book({48: 10}, {50: 50})
    again.now_ms += 1
    assert again.report(ack).state is OrderState.FILLED
    assert {one.account for one in again.read_fills()} == {ACCOUNT}
