"""What a dead trader left in a paper account is listed and taken off for good; a living one's is not touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venues.paper.stand import ACCOUNT, PaperStand, now
from venues.errors import NotSent
from venues.paper.at_rest import PaperAtRest
from venues.paper.journal import FileJournal
from venues.types import MICRO, OrderState, Side, Venue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.jsonl"


def alive(path: Path, venue: Venue) -> PaperStand:
    stand = PaperStand(venue, journal=FileJournal(path))
    stand.book({40: 100}, {60: 100})
    return stand


def die(stand: PaperStand) -> None:
    """The process is gone: the kernel lets its lock go, and nothing else happens."""
    stand.journal.close()


@pytest.mark.parametrize("venue", list(Venue))
def test_what_rested_is_taken_off_and_no_start_brings_it_back(path: Path, venue: Venue):
    stand = alive(path, venue)
    acks = [stand.place(price_u=10_000 * cents) for cents in (30, 31, 32)]
    die(stand)
    rest = PaperAtRest(path, venue=venue, account=ACCOUNT)
    assert {report.venue_order_id for report in now(rest.open_orders())} == {ack.venue_order_id for ack in acks}
    assert now(rest.cancel(stand.ref(acks[0]))).canceled_u == 10 * MICRO
    assert now(rest.cancel(stand.ref(acks[0]))).is_canceled is False
    now(rest.cancel_all())
    now(rest.cancel_all())
    assert now(rest.open_orders()) == []
    again = alive(path, venue)
    again.prints(10, 500, Side.SELL)
    assert [again.report(ack).state for ack in acks] == [OrderState.CANCELED] * 3
    assert again.report(acks[1]).reason == "trader_dead"
    assert (again.fills, again.state.reserved_u()) == ([], 0)
    die(again)


@pytest.mark.parametrize("venue", list(Venue))
def test_of_a_trader_that_lives_nothing_is_read_nor_touched(path: Path, venue: Venue):
    """It may sleep: while it holds the lock, what it will do is not known."""
    stand = alive(path, venue)
    ack = stand.place(price_u=300_000)
    rest = PaperAtRest(path, venue=venue, account=ACCOUNT)
    for ask in (rest.open_orders, rest.cancel_all, lambda: rest.cancel(stand.ref(ack))):
        with pytest.raises(NotSent) as refusal:
            now(ask())
        assert refusal.value.code == "paper_account_locked"
    assert stand.report(ack).state is OrderState.RESTING
    die(stand)


def test_an_order_whose_delay_died_with_its_trader_is_taken_off(path: Path):
    stand = alive(path, Venue.POLYMARKET)
    ack = stand.place(price_u=610_000)
    assert ack.state is OrderState.DELAYED
    die(stand)
    now(PaperAtRest(path, venue=Venue.POLYMARKET, account=ACCOUNT).cancel_all())
    again = alive(path, Venue.POLYMARKET)
    assert (again.report(ack).state, again.fills) == (OrderState.CANCELED, [])
    die(again)


def test_a_fence_that_is_shut_stays_shut_and_takes_its_orders_off(path: Path):
    stand = alive(path, Venue.KALSHI)
    token = now(stand.gateway.open_fence(limit_u=1_000 * MICRO))
    fenced, free = stand.place(price_u=300_000, fence_token=token), stand.place(price_u=310_000)
    die(stand)
    rest = PaperAtRest(path, venue=Venue.KALSHI, account=ACCOUNT)
    assert not now(rest.is_fence_closed(token))
    now(rest.close_fence(token))
    now(rest.close_fence(token))
    assert now(rest.is_fence_closed(token))
    assert [report.venue_order_id for report in now(rest.open_orders())] == [free.venue_order_id]
    again = alive(path, Venue.KALSHI)
    assert (again.report(fenced).state, now(again.gateway.is_fence_closed(token))) == (OrderState.CANCELED, True)
    die(again)


def test_a_journal_that_is_kept_elsewhere_is_not_begun_here(path: Path):
    with pytest.raises(NotSent) as refusal:
        now(PaperAtRest(path, venue=Venue.KALSHI, account=ACCOUNT).open_orders())
    assert (refusal.value.code, path.exists()) == ("paper_journal_missing", False)
