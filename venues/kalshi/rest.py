"""One signed request to Kalshi, and reads in pages. Every REST call of this package goes through here.

A request is signed at the moment it is sent, after it has waited for its tokens. Reads may be repeated by whoever
needs them; writes are sent once, and what their failure proves is decided in `refusals`. A page whose cursor was seen
before raises: the venue answers a cursor it does not know with page one, which would go round for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import structlog

from venues.errors import OutcomeUnknown, ProtocolError, Throttled, VenueError
from venues.kalshi.budget import Budget
from venues.kalshi.constants import KalshiEndpoints, KalshiKey
from venues.kalshi.refusals import read_error, write_error
from venues.kalshi.schemas import WireEndpointCosts, WireLimits
from venues.kalshi.schemas_replies import Page
from venues.kalshi.sign import Signer, wall_clock_ms
from venues.transport.http import MAX_WRITE_REPLY_BYTES, HttpReply, HttpTransport
from venues.types import Venue
from venues.wire import Census, WireT, decode, decode_answer

log = structlog.get_logger(__name__)

Params = Mapping[str, str | int | bool | Iterable[str] | None]
"""Query parameters: None is left out, a list repeats the parameter."""

WRITE_DEADLINE_S = 3.0
_JSON = {"content-type": "application/json"}
_MOST_PAGES = 1_000

PageT = TypeVar("PageT", bound=Page)
ItemT = TypeVar("ItemT")


class KalshiRest:
    """The signed REST connection of one key. `key=None` reads public data only."""

    def __init__(
        self,
        endpoints: KalshiEndpoints,
        key: KalshiKey | None,
        *,
        name: str,
        wall_clock_ms: Callable[[], int] = wall_clock_ms,
        budget: Budget | None = None,
    ) -> None:
        parts = urlsplit(endpoints.rest_url)
        self.census = Census(Venue.KALSHI)
        self.budget = budget or Budget()
        self._prefix = parts.path.rstrip("/")
        self.signer = Signer(key, clock_ms=wall_clock_ms) if key is not None else None
        self._transport = HttpTransport(base_url=f"{parts.scheme}://{parts.netloc}", name=name)
        self.calls = self._transport.calls

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def learn_budget(self) -> None:
        """Read our limits and the cost of each endpoint from the venue; the published ones hold while it is silent."""
        try:
            self.budget.learn_costs(await self.get("/account/endpoint_costs", WireEndpointCosts), prefix=self._prefix)
            if self.signer is not None:
                self.budget.learn_limits(await self.get("/account/limits", WireLimits))
        except VenueError as error:
            log.warning("kalshi_limits_not_read", code=error.code, reason=error.message)

    async def get(self, path: str, schema: type[WireT], params: Params | None = None) -> WireT:
        """One read. Raises VenueError: a reply that cannot be read is a ProtocolError."""
        await self.budget.take_read(path)
        reply = await self._send("GET", path + query(params))
        if _is_at_ease(reply):
            self.budget.note_answered(is_read=True)
        if reply.status != 200:
            error = read_error(reply)
            if isinstance(error, Throttled):
                self.budget.note_throttled(error, is_read=True)
            raise error
        return decode(reply.body, schema, self.census)

    async def pages(
        self, path: str, schema: type[PageT], items: Callable[[PageT], list[ItemT]], params: Params | None = None
    ) -> list[ItemT]:
        """All items of all pages, or an error: never a shorter list."""
        found: list[ItemT] = []
        cursor, seen = "", set[str]()
        while cursor not in seen:
            seen.add(cursor)
            page = await self.get(path, schema, {**(params or {}), "cursor": cursor or None})
            found.extend(items(page))
            cursor = page.cursor or ""
            if not cursor:
                return found
            if len(seen) >= _MOST_PAGES:
                break
        raise ProtocolError(f"{path}: the pages do not end (cursor {cursor[:40]!r} came again)", code="endless_pages")

    async def order_write(
        self, method: str, path: str, *, shard: int, body: bytes | None, params: Params | None = None
    ) -> HttpReply:
        """One request that may add risk. Raises NotSent or OutcomeUnknown; any complete reply is returned."""
        await self.budget.take_order(method, path, shard=shard)
        reply = await self._write(method, path + query(params), body)
        if _is_at_ease(reply):
            self.budget.note_answered(is_read=False)
        return reply

    async def cancel_write(
        self, method: str, path: str, *, shard: int, body: bytes | None = None, params: Params | None = None
    ) -> HttpReply:
        """One request that takes risk off; it may use the tokens kept for cancels. That it is answered says nothing of
        orders: their gate stays shut."""
        await self.budget.take_cancel(method, path, shard=shard)
        return await self._write(method, path + query(params), body)

    def write_failure(self, reply: HttpReply) -> VenueError:
        """What a refused write proves; after a 429 orders wait."""
        error = write_error(reply)
        if isinstance(error, Throttled):
            self.budget.note_throttled(error, is_read=False)
        return error

    def read_reply(self, reply: HttpReply, schema: type[WireT]) -> WireT:
        """The body of a successful write. Raises OutcomeUnknown: the write had its effect, we cannot read which."""
        try:
            return decode_answer(reply.body, reply.headers.get("content-type", ""), schema, self.census)
        except ProtocolError as error:
            raise OutcomeUnknown(error.message, code="unreadable_reply", status=reply.status) from error

    async def _write(self, method: str, path_with_query: str, body: bytes | None) -> HttpReply:
        return await self._send(
            method, path_with_query, body, deadline_s=WRITE_DEADLINE_S, max_bytes=MAX_WRITE_REPLY_BYTES
        )

    async def _send(
        self,
        method: str,
        path_with_query: str,
        body: bytes | None = None,
        *,
        deadline_s: float | None = None,
        max_bytes: int | None = None,
    ) -> HttpReply:
        target = self._prefix + path_with_query
        headers = self.signer.headers(method, target) if self.signer is not None else {}
        if body is not None:
            headers = {**headers, **_JSON}
        return await self._transport.send(
            method, target, headers=headers, body=body, deadline_s=deadline_s, max_bytes=max_bytes
        )


def _is_at_ease(reply: HttpReply) -> bool:
    """An answer of a venue that is neither throttling nor in trouble, whatever it says."""
    return reply.status != 429 and reply.status < 500


def query(params: Params | None) -> str:
    """`?a=1&b=x&b=y`, or nothing. Booleans are `true` and `false`."""
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs.extend((name, item) for item in value)
    return f"?{urlencode(pairs)}" if pairs else ""
