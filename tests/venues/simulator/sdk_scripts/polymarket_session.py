"""A session with Polymarket's maintained SDK (`polymarket-client`), in an interpreter of its own.

Run as `python polymarket_session.py < task.json`.
Imports nothing of Courtside. Whatever the SDK cannot read raises here or counts as dropped; what it read is printed
as one JSON object. `Environment` has no public constructor, so the private one is used to point it at a simulator.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from polymarket import AsyncSecureClient, SecureClient
from polymarket.environments import PRODUCTION, Environment, _create_environment
from polymarket.errors import RequestRejectedError
from polymarket.streams import MarketSpec, SportsSpec, UserSpec

DEADLINE_S = 30.0
Task = dict[str, Any]


def environment(task: Task) -> Environment:
    urls = {
        "clob_url": task["clob"],
        "relayer_url": task["clob"],
        "gamma_url": task["gamma"],
        "data_url": task["data"],
        "clob_market_ws_url": f"{task['clob_ws']}/ws/market",
        "clob_user_ws_url": f"{task['clob_ws']}/ws/user",
        "sports_ws_url": task["sports_ws"],
    }
    return _create_environment(name="simulator", config=dataclasses.replace(PRODUCTION._config, **urls))


def credentials_of(task: Task) -> dict[str, Any]:
    """A deposit wallet is the SDK's default: it is named by nobody."""
    wallet = {} if task["signature_type"] == 3 else {"wallet": task["funder"]}
    return {"private_key": task["private_key"], "environment": environment(task), **wallet}


class Streams:
    """Everything the three channels deliver, read all the time."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._handles: list[Any] = []

    async def open(self, client: AsyncSecureClient, market: Any) -> None:
        assets = [market.outcomes.yes.token_id, market.outcomes.no.token_id]
        for spec in (
            MarketSpec(asset_ids=assets, custom_feature_enabled=True),
            UserSpec(markets=[market.condition_id]),
            SportsSpec(),
        ):
            handle = await client.subscribe(spec)
            self._handles.append(handle)
            self._tasks.append(asyncio.create_task(self._read(handle)))

    async def _read(self, handle: Any) -> None:
        async for event in handle:
            self.events.append(event)

    async def until(self, what: str, wanted: Callable[[Any], bool]) -> Any:
        """The first event, old or new, that is wanted."""
        for _ in range(int(DEADLINE_S / 0.05)):
            found = next((each for each in self.events if wanted(each)), None)
            if found is not None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"no {what} within {DEADLINE_S} s; seen: {dict(self.counts())}")

    def counts(self) -> Counter[str]:
        return Counter(f"{each.topic}.{each.type}" for each in self.events)

    async def close(self) -> None:
        for handle in self._handles:
            await handle.close()
        await asyncio.gather(*self._tasks)


async def read_markets(client: AsyncSecureClient, league: str) -> tuple[Any, dict[str, Any]]:
    """A game in play with a two-sided book, and what the public reads say of it."""
    events = [each async for page in client.list_events(tag_slug=league, page_size=5) for each in page.items]
    listed = [each async for page in client.list_markets(page_size=5) for each in page.items]
    market = next(market for event in events for market in event.markets if market.state.accepting_orders)
    single = await client.get_market(id=market.id)
    book = await client.get_order_book(asset_id=market.outcomes.yes.token_id)
    return single, {
        "events": len(events),
        "markets": len(listed),
        "condition_id": single.condition_id,
        "bid": str(book.bids[-1].price),
        "ask": str(book.asks[-1].price),
        "sports": len(await client.get_sports()),
    }


async def rest_and_cancel(client: AsyncSecureClient, streams: Streams, token: str) -> dict[str, Any]:
    placed = await client.place_limit_order(asset_id=token, price="0.02", size="25", side="BUY", post_only=True)
    assert placed.ok and placed.status == "live", placed
    held = await client.get_order(order_id=placed.order_id)
    open_ids = [each.id async for page in client.list_open_orders() for each in page.items]
    await streams.until("placement", lambda each: is_order(each, placed.order_id, "PLACEMENT"))
    canceled = await client.cancel_order(order_id=placed.order_id)
    await streams.until("cancellation", lambda each: is_order(each, placed.order_id, "CANCELLATION"))
    return {
        "order": [str(held.price), str(held.original_size), str(held.size_matched), held.status],
        "is_listed": open_ids == [placed.order_id],
        "canceled": list(canceled.canceled) == [placed.order_id],
        "open_after": len((await client.list_open_orders().first_page()).items),
    }


def is_order(event: Any, order_id: str, kind: str) -> bool:
    return (
        event.topic == "user"
        and event.type == "order"
        and (event.payload.id, event.payload.order_event_type)
        == (
            order_id,
            kind,
        )
    )


async def batch(client: AsyncSecureClient, market: Any) -> dict[str, Any]:
    """Two orders in one call, one per outcome; gone by market, by list and all at once."""

    async def posted() -> list[str]:
        terms = {"price": "0.02", "size": "10", "side": "BUY"}
        tokens = (market.outcomes.yes.token_id, market.outcomes.no.token_id)
        signed = [await client.create_limit_order(asset_id=token, **terms) for token in tokens]
        answers = await client.post_orders(signed)
        assert all(each.ok for each in answers), answers
        return [each.order_id for each in answers]

    first, second, third = await posted(), await posted(), await posted()
    answers = {
        "by_list": (await client.cancel_orders(order_ids=first), first),
        "by_token": (await client.cancel_market_orders(asset_id=market.outcomes.yes.token_id), [second[0], third[0]]),
        "all": (await client.cancel_all(), [second[1], third[1]]),
    }
    return {name: sorted(answer.canceled) == sorted(ids) for name, (answer, ids) in answers.items()}


async def take(client: AsyncSecureClient, streams: Streams, token: str) -> dict[str, Any]:
    """Spend ten dollars at once; the settlement hash and the trade must follow."""
    taken = await client.place_market_order(asset_id=token, side="BUY", amount="10", order_type="FAK")
    assert taken.ok, taken
    trade = await streams.until("trade", lambda each: each.topic == "user" and each.type == "trade")
    await streams.until(
        "confirmed trade",
        lambda each: each.topic == "user" and each.type == "trade" and each.payload.status == "CONFIRMED",
    )
    hashes = await client.wait_for_order_fill_settlement(taken, timeout_s=DEADLINE_S)
    trades = [each async for page in client.list_account_trades() for each in page.items]
    return {
        "status": taken.status,
        "making": str(taken.making_amount),
        "hashes": len(hashes),
        "trades": [[each.status, str(each.size), each.id == trade.payload.id] for each in trades],
    }


async def read_account(client: AsyncSecureClient, market: Any) -> dict[str, Any]:
    balance = await client.get_balance_allowance(asset_type="COLLATERAL")
    positions = [each async for page in client.list_positions() for each in page.items]
    trades = [each async for page in client.list_trades(user=client.wallet) for each in page.items]
    activity = [each async for page in client.list_activity(activity_types=["TRADE"]) for each in page.items]
    return {
        "value": (await client.get_portfolio_value()).value > 0,
        "public_trades": [each.condition_id == market.condition_id for each in trades],
        "activity": [each.type for each in activity],
        "resolutions": len(await client.get_resolutions(condition_ids=market.condition_id)),
        "balance": str(Decimal(balance.balance)),
        "positions": [each.condition_id == market.condition_id for each in positions],
        "closed_only": await client.get_closed_only_mode(),
        "keys": len(await client.fetch_api_keys()),
    }


async def refused(client: AsyncSecureClient, token: str) -> str:
    """What the SDK makes of the venue's refusal: more shares than the money buys."""
    try:
        answer = await client.place_limit_order(asset_id=token, price="0.5", size="900000", side="BUY", post_only=True)
    except RequestRejectedError as error:
        return f"HTTP {error.status}: {error}"
    return "accepted" if answer.ok else answer.code


async def session(task: Task) -> dict[str, Any]:
    client = await AsyncSecureClient.create(**credentials_of(task))
    streams = Streams()
    try:
        market, reads = await read_markets(client, task["league"])
        await streams.open(client, market)
        await streams.until("book", lambda each: each.topic == "market" and each.type == "book")
        token = market.outcomes.yes.token_id
        report = {
            "wallet_type": client.wallet_type,
            "wallet": client.wallet,
            "api_key": client.credentials.key,
            "reads": reads,
            "rests": await rest_and_cancel(client, streams, token),
            "batch": await batch(client, market),
            "takes": await take(client, streams, token),
            "account": await read_account(client, market),
            "refused": await refused(client, token),
        }
        await streams.until("price change", lambda each: each.topic == "market" and each.type == "price_change")
        await streams.until("sports result", lambda each: each.topic == "sports")
        managers = (client._market_manager, client._user_manager, client._sports_manager)
        unread = [each.dropped_events for each in managers]
        return report | {"streams": dict(streams.counts()), "unread_frames": unread}
    finally:
        await streams.close()
        await client.close()


def blocking_session(task: Task) -> dict[str, Any]:
    """The synchronous client: it signs in with the same wallet and reads its own orders."""
    with SecureClient.create(**credentials_of(task)) as client:
        return {"wallet": client.wallet, "open": len(client.list_open_orders().first_page().items)}


if __name__ == "__main__":
    wish = json.load(sys.stdin)
    print(json.dumps(asyncio.run(session(wish)) | {"blocking": blocking_session(wish)}))
