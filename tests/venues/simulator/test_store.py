"""Client state outlives kill -9: proven with a real child process that is really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES, POLYMARKET_RULES
from venues.simulator.exchange_types import (
    AccountLedger,
    ExchangeReject,
    FeeSpec,
    MarketSpec,
    NewOrder,
    RejectCode,
)
from venues.simulator.store import Store, StoreError
from venues.types import MICRO, OrderState, Outcome, SettleState, Side, TimeInForce

ROOT = Path(__file__).resolve().parents[3]
SPEC = MarketSpec(native_id="M", event_id="E", fee=FeeSpec(70_000, 17_500), settle_timer_ms=10)


def opened(store: Store, venue: str = "kalshi") -> Exchange:
    """An exchange as the simulator makes it at every start."""
    rules = KALSHI_RULES if venue == "kalshi" else POLYMARKET_RULES
    exchange = Exchange(rules, seed=1, epoch=store.epoch)
    for native_id in ("M", "N"):
        exchange.add_market(msgspec.structs.replace(SPEC, native_id=native_id), 0)
    saved = store.saved(venue)
    exchange.restore(saved.ledgers, saved.groups, saved.latest_ms)
    store.attach(venue, exchange)
    exchange.open_account("house", 0, is_house=True)
    return exchange


def order(price_c: int, contracts: int, **fields: object) -> NewOrder:
    return NewOrder(
        native_id="M",
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=price_c * 10_000,
        qty_u=contracts * MICRO,
        **fields,
    )


def trade_a_little(exchange: Exchange) -> None:
    """Two accounts, fills on both sides, a resting part, a canceled order, a group, a settled market."""
    exchange.open_account("ann", 1_000 * MICRO, now_ms=1)
    exchange.open_account("bob", 500 * MICRO, now_ms=1)
    group = exchange.create_group("ann", 100 * MICRO, 2).group_id
    exchange.submit("bob", msgspec.structs.replace(order(40, 10), outcome=Outcome.NO), 3)
    exchange.submit("ann", order(65, 15, client_order_id="a1", group_id=group), 4)
    gone = exchange.submit("ann", order(10, 1, client_order_id="a2"), 5)
    exchange.cancel("ann", gone.order_id, 6)
    exchange.replace_quotes("house", "N", [], [(300_000, 50 * MICRO)], 7)
    exchange.submit("ann", msgspec.structs.replace(order(30, 20), native_id="N"), 8)
    exchange.determine("N", MICRO, 9)
    exchange.advance(20)


def normal(ledger: AccountLedger) -> AccountLedger:
    """Contracts in flight to the chain have arrived when a venue comes back."""
    positions = tuple(msgspec.structs.replace(p, unmined_yes_u=0, unmined_no_u=0) for p in ledger.positions)
    return msgspec.structs.replace(ledger, positions=positions)


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
def test_a_restart_restores_every_order_fill_position_and_cent(tmp_path: Path, venue: str) -> None:
    store = Store(tmp_path / "state.sqlite3")
    before = opened(store, venue)
    trade_a_little(before)
    told = {name: before.ledger(name) for name in before.account_ids()}
    groups = before.groups("ann")
    book = before.market("M").bids.depth()
    store.close()
    after = opened(Store(tmp_path / "state.sqlite3"), venue)
    assert after.account_ids() == ["ann", "bob"]
    for name, ledger in told.items():
        assert normal(after.ledger(name)) == normal(ledger)
    assert after.groups("ann") == groups
    assert after.market("M").bids.depth() == book == [(650_000, 5 * MICRO)]
    assert after.imbalance_u() == 0


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
def test_a_world_that_forgot_a_result_pays_and_tells_it_no_second_time(tmp_path: Path, venue: str) -> None:
    """The world may have been written a moment before the venue: after a kill it then ends the same game again."""
    store = Store(tmp_path / "state.sqlite3")
    before = opened(store, venue)
    trade_a_little(before)
    told = before.ledger("ann")
    assert [(one.native_id, one.yes_qty_u) for one in told.settlements] == [("N", 20 * MICRO)]
    store.close()
    store = Store(tmp_path / "state.sqlite3")
    after = opened(store, venue)
    after.determine("N", MICRO, 30)
    after.advance(50)
    assert normal(after.ledger("ann")) == normal(told)
    store.close()
    assert list(Store(tmp_path / "state.sqlite3").saved(venue).ledgers[0].settlements) == list(told.settlements)


def test_restored_orders_trade_cancel_and_keep_their_ids_used(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite3")
    trade_a_little(opened(store))
    store.close()
    after = opened(Store(tmp_path / "state.sqlite3"))
    with pytest.raises(ExchangeReject) as caught:
        after.submit("ann", order(10, 1, client_order_id="a2"), 30)
    assert caught.value.code is RejectCode.DUPLICATE_ORDER
    known = {fill.trade_id for fill in after.fills("ann")}
    after.replace_quotes("house", "M", [], [(650_000, 3 * MICRO)], 31)
    (resting,) = after.orders("ann", open_only=True)
    assert (resting.filled_u, resting.remaining_u) == (13 * MICRO, 2 * MICRO)
    assert len({fill.trade_id for fill in after.fills("ann")} - known) == 1
    after.cancel("ann", resting.order_id, 32)
    assert after.balance("ann").reserved_u == 0
    assert after.imbalance_u() == 0


def test_a_pending_fill_becomes_final_after_the_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite3")
    before = opened(store, "polymarket")
    before.open_account("ann", 100 * MICRO, now_ms=1)
    before.replace_quotes("house", "M", [], [(500_000, 9 * MICRO)], 2)
    before.submit("ann", order(50, 5), 3)
    store.close()
    after = opened(Store(tmp_path / "state.sqlite3"), "polymarket")
    assert after.fills("ann")[0].settle_state is SettleState.PENDING
    after.advance(6_000)
    assert after.fills("ann")[0].settle_state is SettleState.CONFIRMED


def test_an_order_of_a_market_that_is_gone_is_canceled(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite3")
    before = opened(store)
    before.open_account("ann", 100 * MICRO, now_ms=1)
    before.submit("ann", order(50, 5), 3)
    store.close()
    store = Store(tmp_path / "state.sqlite3")
    bare = Exchange(KALSHI_RULES, seed=1, epoch=store.epoch)
    bare.restore(store.saved("kalshi").ledgers, [], 10)
    assert bare.orders("ann")[0].state is OrderState.CANCELED
    assert bare.balance("ann").available_u == 100 * MICRO


def test_keys_and_the_world_are_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite3")
    store.save_key("kalshi", "key-1", "ann", b"public")
    store.save_world(b"world at 7")
    store.close()
    again = Store(tmp_path / "state.sqlite3")
    assert again.keys("kalshi") == [("key-1", "ann", b"public")]
    assert again.world() == b"world at 7"
    assert again.epoch == store.epoch + 1


def test_the_world_is_written_with_the_clients(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite3")
    exchange = opened(store)
    moments = iter([b"1", b"2"])
    store.follow_world(lambda: next(moments))
    exchange.open_account("ann", MICRO, now_ms=1)
    assert store.world() == b"1"
    exchange.replace_quotes("house", "M", [(400_000, MICRO)], [], 2)
    assert store.world() == b"1"  # nothing of a client changed


CHILD = """
import sys
from pathlib import Path
from tests.venues.simulator.test_store import opened, order
from venues.simulator.store import Store
from venues.types import MICRO
exchange = opened(Store(Path(sys.argv[1])))
exchange.open_account("ann", 100_000 * MICRO, now_ms=1)
for number in range(1, 1_000_000):
    exchange.replace_quotes("house", "M", [], [(500_000, 1 * MICRO)], number)
    view = exchange.submit("ann", order(50, 2, client_order_id=str(number)), number)
    print(number, view.order_id, view.filled_u, exchange.balance("ann").cash_u, flush=True)
"""


def test_what_was_told_before_kill_9_is_there_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert child.stdout is not None
    told = [child.stdout.readline().split() for _ in range(60)]
    os.kill(child.pid, signal.SIGKILL)
    told += [line.split() for line in child.stdout.read().splitlines() if len(line.split()) == 4]
    child.wait()
    child.stdout.close()
    after = opened(Store(path))
    for number, order_id, filled_u, _ in told:
        view = after.order("ann", order_id)
        assert view.client_order_id == number
        assert view.filled_u >= int(filled_u)
    last_number, cash_u = int(told[-1][0]), int(told[-1][3])
    extra = [entry for entry in after.entries("ann") if entry.venue_ms > last_number]
    assert after.balance("ann").cash_u == cash_u + sum(entry.amount_u for entry in extra)
    assert after.imbalance_u() == 0
    assert after.balance("ann").available_u >= 0


def test_a_foreign_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are long enough to be no database" * 50)
    with pytest.raises(StoreError, match="is not a state file of the simulator"):
        Store(path)
    assert path.read_text().startswith("these are my notes")


def test_a_file_in_use_is_refused_in_a_sentence(tmp_path: Path) -> None:
    first = Store(tmp_path / "state.sqlite3")
    with pytest.raises(StoreError, match="in use by another simulator"):
        Store(tmp_path / "state.sqlite3")
    first.close()


def test_immediate_orders_are_restored_as_the_past_that_they_are(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite3")
    before = opened(store)
    before.open_account("ann", 100 * MICRO, now_ms=1)
    before.submit("ann", order(50, 5, tif=TimeInForce.IOC), 3)
    store.close()
    after = opened(Store(tmp_path / "state.sqlite3"))
    assert [view.state for view in after.orders("ann")] == [OrderState.CANCELED]
    assert after.market("M").bids.depth() == []
