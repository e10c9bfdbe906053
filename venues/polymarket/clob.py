"""CLOB reads and key management. Placing and canceling are in `gateway`.

Private lists are read to their last page or not at all: a failed page raises, it never shortens the answer. Cursors:
`MA==` first, `LTE=` after the last page. Source: FACTS §2.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from venues.errors import NotFoundAtVenue, ProtocolError, VenueError
from venues.polymarket.constants import END_CURSOR, FIRST_CURSOR, MAX_BOOKS
from venues.polymarket.http import Params, VenueHost, decode_plain, ok_body
from venues.polymarket.micro import exact_micro_of
from venues.polymarket.schemas import (
    ApiKeyReply,
    ApiKeysReply,
    BalanceReply,
    ClobMarket,
    ClosedOnlyReply,
    FeeRateReply,
    HistoryPoint,
    HistoryReply,
    LongMarket,
    NegRiskReply,
    OrdersPage,
    TickSizeReply,
    TradesPage,
    VersionReply,
    WireBook,
    WireOpenOrder,
    WireTrade,
)
from venues.polymarket.sign import PolymarketWallet, clob_auth_headers
from venues.wire import decode, decode_list

_MAX_PAGES = 1000
_MAX_READINGS = 10
_UINT256 = re.compile(r"[0-9]{1,78}")
_Page = TypeVar("_Page", OrdersPage, TradesPage)


class Funds(msgspec.Struct, frozen=True, kw_only=True):
    """Millionths of pUSD or of contracts; `allowances_u`: what each exchange contract may take of them. One that is
    missing was not told, or not as a number."""

    balance_u: int
    allowances_u: Mapping[str, int]


class ClobPublic:
    """What anybody may read."""

    def __init__(self, host: VenueHost) -> None:
        self._host = host

    async def ok(self) -> bool:
        return decode_plain(await self._host.body("/ok", bucket="clob.read"), str) == "OK"

    async def time_s(self) -> int:
        """The venue's clock, unix seconds."""
        return _int(await self._host.body("/time", bucket="clob.read"))

    async def version(self) -> int:
        return (await self._host.read("/version", VersionReply, bucket="clob.read")).version

    async def book(self, asset_id: str) -> WireBook:
        """Raises NotFoundAtVenue where no book exists (not listed yet, or resolution proposed)."""
        return await self._host.read("/book", WireBook, bucket="clob.read", params={"token_id": asset_id})

    async def books(self, asset_ids: Sequence[str]) -> dict[str, WireBook]:
        """By asset id; unknown ids are missing. At most 500 at once."""
        if len(asset_ids) > MAX_BOOKS:
            raise ValueError(f"at most {MAX_BOOKS} books at once")
        body = msgspec.json.encode([{"token_id": asset_id} for asset_id in asset_ids])
        reply = await self._host.call("POST", "/books", bucket="clob.books", body=body)
        return {book.asset_id: book for book in decode_list(ok_body(reply), WireBook, self._host.census)}

    async def tick_u(self, asset_id: str) -> int:
        reply = await self._host.read("/tick-size", TickSizeReply, bucket="clob.terms", params={"token_id": asset_id})
        return exact_micro_of(reply.minimum_tick_size)

    async def is_neg_risk(self, asset_id: str) -> bool:
        reply = await self._host.read("/neg-risk", NegRiskReply, bucket="clob.terms", params={"token_id": asset_id})
        return reply.neg_risk

    async def has_fees(self, asset_id: str) -> bool:
        """The legacy flag; the rate is in the market's fee schedule."""
        reply = await self._host.read("/fee-rate", FeeRateReply, bucket="clob.terms", params={"token_id": asset_id})
        return int(reply.base_fee) > 0

    async def market(self, condition: str) -> ClobMarket:
        """The compact form: terms, fee details, version."""
        return await self._host.read(f"/clob-markets/{condition}", ClobMarket, bucket="clob.terms")

    async def long_market(self, condition: str) -> LongMarket:
        """The long form: state and winner."""
        return await self._host.read(f"/markets/{condition}", LongMarket, bucket="clob.terms")

    async def prices_history(
        self, asset_id: str, *, start_s: int, end_s: int, fidelity_min: int = 1
    ) -> list[HistoryPoint]:
        """Points of unix seconds and price, at least `fidelity_min` minutes apart."""
        params: Params = {"market": asset_id, "startTs": start_s, "endTs": end_s, "fidelity": fidelity_min}
        return (await self._host.read("/prices-history", HistoryReply, bucket="clob.books", params=params)).history


class ClobPrivate:
    """What a key's owner may read."""

    def __init__(self, host: VenueHost) -> None:
        self._host = host

    async def open_orders(self, *, market: str | None = None) -> list[WireOpenOrder]:
        """Every active order, resting or in its delay.

        Cursors count rows: what leaves the list between two pages takes others past us unseen. A list of several pages
        is therefore read until a reading finds nothing new; what only an earlier one found may have ended meanwhile.
        """
        orders: dict[str, WireOpenOrder] = {}
        for _ in range(_MAX_READINGS):
            rows, is_whole = await self._open_orders(market)
            news = rows.keys() - orders.keys()
            orders |= rows
            if is_whole or not news:
                return list(orders.values())
        raise ProtocolError("the list of orders does not come to rest", code="endless_pages")

    async def _open_orders(self, market: str | None) -> tuple[dict[str, WireOpenOrder], bool]:
        """One reading by id, and whether one page held it all."""
        orders: dict[str, WireOpenOrder] = {}
        cursor = FIRST_CURSOR
        for number in range(_MAX_PAGES):
            params: Params = {"next_cursor": cursor} | ({"market": market} if market else {})
            page = await self._page("/data/orders", params, OrdersPage)
            orders |= {order.id: order for order in page.data}
            if page.next_cursor in ("", END_CURSOR):
                return orders, number == 0
            cursor = page.next_cursor
        raise ProtocolError("the list of orders does not end", code="endless_pages")

    async def trades(
        self, *, after_s: int | None = None, before_s: int | None = None, market: str | None = None
    ) -> list[WireTrade]:
        """Our trades, newest first; both bounds are exclusive and in unix seconds."""
        asked = {"after": after_s, "before": before_s, "market": market}
        bounds: dict[str, str | int] = {name: value for name, value in asked.items() if value is not None}
        trades: dict[str, WireTrade] = {}
        cursor = FIRST_CURSOR
        for _ in range(_MAX_PAGES):
            page = await self._page("/data/trades", {**bounds, "next_cursor": cursor}, TradesPage)
            for trade in page.data:
                trades.setdefault(f"{trade.id} {trade.trader_side}", trade)
            if page.next_cursor in ("", END_CURSOR):
                return list(trades.values())
            cursor = page.next_cursor
        raise ProtocolError("the list of trades does not end", code="endless_pages")

    async def order(self, order_id: str) -> WireOpenOrder | None:
        """None for an order that is not active: never seen, filled or canceled."""
        try:
            body = await self._host.body(f"/data/order/{order_id}", bucket="clob.ledger", is_private=True)
        except NotFoundAtVenue:
            return None
        if body.strip() in (b"", b"null", b"{}"):
            return None
        return decode(body, WireOpenOrder, self._host.census)

    async def funds(self, *, signature_type: int, asset_id: str | None = None, is_v2: bool = False) -> Funds:
        """Of pUSD, or of an asset (`is_v2`: in a market of exchange V3); on chain, whatever open orders promise."""
        params = _asset(signature_type, asset_id, is_v2)
        path = "/balance-allowance"
        reply = await self._host.read(path, BalanceReply, bucket="clob.balance", params=params, is_private=True)
        told = {contract: str(allowed) for contract, allowed in (reply.allowances or {}).items()}
        allowed_u = {contract: int(text) for contract, text in told.items() if _UINT256.fullmatch(text)}
        return Funds(balance_u=_int(reply.balance.encode()), allowances_u=allowed_u)

    async def balance_u(self, *, signature_type: int, asset_id: str | None = None, is_v2: bool = False) -> int:
        """The balance alone."""
        return (await self.funds(signature_type=signature_type, asset_id=asset_id, is_v2=is_v2)).balance_u

    async def refresh_balance(self, *, signature_type: int, asset_id: str | None = None, is_v2: bool = False) -> None:
        """Ask the venue to read balance and allowances from the chain again before it judges the next order."""
        params = _asset(signature_type, asset_id, is_v2)
        path = "/balance-allowance/update"
        await self._host.body(path, bucket="clob.balance_update", params=params, is_private=True)

    async def is_closed_only(self) -> bool:
        path = "/auth/ban-status/closed-only"
        reply = await self._host.read(path, ClosedOnlyReply, bucket="clob.auth", is_private=True)
        return reply.closed_only

    async def api_keys(self) -> list[str]:
        path = "/auth/api-keys"
        return (await self._host.read(path, ApiKeysReply, bucket="clob.auth", is_private=True)).apiKeys

    async def delete_api_key(self) -> None:
        """Delete the key this wallet signs in with."""
        ok_body(await self._host.call("DELETE", "/auth/api-key", bucket="clob.auth", is_private=True))

    async def _page(self, path: str, params: Params, schema: type[_Page]) -> _Page:
        return await self._host.read(path, schema, bucket="clob.ledger", params=params, is_private=True)


async def create_or_derive_key(host: VenueHost, wallet: PolymarketWallet, *, nonce: int = 0) -> PolymarketWallet:
    """The wallet with its API key: derived if the key exists for this nonce, created otherwise."""
    try:
        return await derive_key(host, wallet, nonce=nonce)
    except VenueError as error:
        if error.status != 400:
            raise
    return await create_key(host, wallet, nonce=nonce)


async def derive_key(host: VenueHost, wallet: PolymarketWallet, *, nonce: int = 0) -> PolymarketWallet:
    """Raises OutcomeUnknown with status 400 where no key exists for this nonce."""
    return await _key(host, wallet, "GET", "/auth/derive-api-key", nonce)


async def create_key(host: VenueHost, wallet: PolymarketWallet, *, nonce: int = 0) -> PolymarketWallet:
    """Raises OutcomeUnknown with status 400 where the key exists already."""
    return await _key(host, wallet, "POST", "/auth/api-key", nonce)


async def _key(host: VenueHost, wallet: PolymarketWallet, method: str, path: str, nonce: int) -> PolymarketWallet:
    headers = clob_auth_headers(wallet.private_key, timestamp_s=int(time.time()), nonce=nonce)
    reply = await host.call(method, path, bucket="clob.auth", headers=headers)
    key = decode(ok_body(reply), ApiKeyReply, host.census)
    return msgspec.structs.replace(wallet, api_key=key.apiKey, secret=key.secret, passphrase=key.passphrase)


def _asset(signature_type: int, asset_id: str | None, is_v2: bool) -> Params:
    """What a balance is asked of: the collateral, or one asset. Source: FACTS §2.8."""
    kind = "COLLATERAL" if asset_id is None else "CONDITIONAL-V2" if is_v2 else "CONDITIONAL"
    params: Params = {"asset_type": kind, "signature_type": signature_type}
    return params if asset_id is None else {**params, "token_id": asset_id}


def _int(body: bytes) -> int:
    """An integer with or without quotes."""
    text = body.strip().strip(b'"')
    if not text.isdigit():
        raise ProtocolError(f"not an integer: {text[:40]!r}", code="bad_number")
    return int(text)
