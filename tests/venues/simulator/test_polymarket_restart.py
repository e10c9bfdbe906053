"""A restart from the state file: the same keys sign in, and orders, trades and money are what they were."""

from __future__ import annotations

from pathlib import Path

from tests.venues.simulator.polymarket_stand import Stand, Trader, standing
from venues.simulator.store import Store

VENUE = "polymarket"


async def leave_something(stand: Stand) -> tuple[Trader, dict[str, object], str]:
    """An order on the book, a trade that is not final, and the signed bytes of the order."""
    market = stand.list_game("nba").markets[0]
    stand.quote(market, {"0.4": 100}, {"0.45": 60})
    trader = stand.new_trader()
    order = trader.order(market, "BUY", "0.3", "10")
    resting = (await trader.place(order)).json()["orderID"]
    await trader.place(trader.order(market, "BUY", "0.45", "20"))
    return trader, order, resting


async def test_orders_trades_and_keys_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    first = Stand(epoch=store.epoch)
    store.attach(VENUE, first.exchange)
    async with standing(first):
        trader, order, order_id = await leave_something(first)
        balance = first.exchange.balance(trader.wallet.account_id)
    store.close()

    store = Store(tmp_path / "state.sqlite")
    second = Stand(epoch=store.epoch)
    second.list_game("nba")
    saved = store.saved(VENUE)
    second.exchange.restore(saved.ledgers, saved.groups, second.now_ms)
    second.face.reload()
    async with standing(second):
        again = second.returning(trader)
        assert again.credentials == trader.credentials
        orders = (await again.call("GET", "/data/orders")).json()["data"]
        assert [(each["id"], each["size_matched"]) for each in orders] == [(order_id, "0")]
        trades = (await again.call("GET", "/data/trades")).json()["data"]
        assert [(each["size"], each["price"], each["trader_side"]) for each in trades] == [("20", "0.45", "TAKER")]
        assert second.exchange.balance(trader.wallet.account_id).cash_u == balance.cash_u
        assert "Duplicated" in (await again.place(order)).json()["error"]
        second.move(5_000)
        trades = (await again.call("GET", "/data/trades")).json()["data"]
        assert [each["status"] for each in trades] == ["CONFIRMED"]
    store.close()
