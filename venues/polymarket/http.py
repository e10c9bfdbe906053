"""One host of the venue behind rate limits: what every call shares, signed or not.

A call takes its tokens, goes out once, and 429s shut its bucket. Reads raise typed errors for anything but a readable
200; orders and cancels get the reply as it is, because there a refusal has to be weighed. Nothing here retries.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from venues.errors import AuthFailed, OutcomeUnknown, ProtocolError, Throttled
from venues.polymarket.constants import IP_BUCKETS, SIGNER_TIERS, USER_AGENT
from venues.polymarket.rejects import error_of, read_failure, retry_after_s
from venues.polymarket.sign import PolymarketWallet, l2_headers
from venues.shapes import ready
from venues.transport.http import NO_HEADERS, HttpReply, HttpTransport
from venues.transport.limiter import LONGEST_STOP_S, RateLimiter
from venues.types import Venue
from venues.wire import UNREADABLE, Census, Wire, decode, decode_answer, decode_list

WireT = TypeVar("WireT", bound=Wire)
Params = Mapping[str, str | int | Sequence[str]]
NO_PARAMS: Params = {}

ORDERS_BUCKET = "signer.orders"
CANCELS_BUCKET = "signer.cancels"
LONGEST_CANCEL_STOP_S = 2.0
"""Whatever a 429 says, a cancel is asked again this soon: what rests is risk."""
_READ_WAIT_S = 10.0
_JSON_HEADERS = {"content-type": "application/json"}


def standard_limiter() -> RateLimiter:
    """Buckets per address and, until the venue names a better tier, the Standard buckets of a signer."""
    limiter = RateLimiter()
    for name, bucket in IP_BUCKETS.items():
        limiter.configure(name, capacity=bucket.burst, refill_per_s=bucket.per_s)
    set_tier(limiter, "standard")
    return limiter


def set_tier(limiter: RateLimiter, tier: str) -> None:
    """Size the signer's buckets by tier name; an unknown tier changes nothing."""
    for name, bucket in zip((ORDERS_BUCKET, CANCELS_BUCKET), SIGNER_TIERS.get(tier.lower(), ()), strict=False):
        limiter.configure(name, capacity=bucket.burst, refill_per_s=bucket.per_s)


class VenueHost:
    """`wallet` signs private calls (L2) with the real wall clock, whatever clock the data runs on."""

    def __init__(
        self, *, name: str, base_url: str, limiter: RateLimiter | None = None, wallet: PolymarketWallet | None = None
    ) -> None:
        self.limiter = limiter or standard_limiter()
        self.census = Census(Venue.POLYMARKET)
        self.wallet = wallet
        self._transport = HttpTransport(base_url=base_url, name=name, user_agent=USER_AGENT)
        self.calls = self._transport.calls

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        bucket: str,
        params: Params = NO_PARAMS,
        body: bytes | None = None,
        is_private: bool = False,
        headers: Mapping[str, str] = NO_HEADERS,
        cost: float = 1.0,
        max_wait_s: float = _READ_WAIT_S,
        deadline_s: float | None = None,
        max_bytes: int | None = None,
    ) -> HttpReply:
        """One request, any reply but 429. Raises NotSent, OutcomeUnknown, Throttled, AuthFailed (no key at all)."""
        await self.limiter.acquire(bucket, cost, max_wait_s=max_wait_s)
        signed = self._signed(method, path, body) if is_private else headers
        reply = await self._transport.send(
            method,
            f"{path}?{urlencode(params, doseq=True)}" if params else path,
            headers={**signed, **_JSON_HEADERS} if body is not None else signed,
            body=body,
            deadline_s=deadline_s,
            max_bytes=max_bytes,
        )
        self._learn(reply, bucket)
        return reply

    async def read(
        self, path: str, schema: type[WireT], *, bucket: str, params: Params = NO_PARAMS, is_private: bool = False
    ) -> WireT:
        """One JSON object. Raises also NotFoundAtVenue, ProtocolError."""
        return decode(await self.body(path, bucket=bucket, params=params, is_private=is_private), schema, self.census)

    async def read_list(
        self, path: str, schema: type[WireT], *, bucket: str, params: Params = NO_PARAMS
    ) -> list[WireT]:
        return decode_list(await self.body(path, bucket=bucket, params=params), schema, self.census)

    async def body(self, path: str, *, bucket: str, params: Params = NO_PARAMS, is_private: bool = False) -> bytes:
        """The bytes of a 200; any other reply raises what it means."""
        reply = await self.call("GET", path, bucket=bucket, params=params, is_private=is_private)
        return ok_body(reply)

    def answer(self, reply: HttpReply, schema: type[WireT]) -> WireT:
        """The body of an answer to an order or a cancel. Raises ProtocolError."""
        return decode_answer(reply.body, reply.headers.get("content-type", ""), schema, self.census)

    def _signed(self, method: str, path: str, body: bytes | None) -> Mapping[str, str]:
        if self.wallet is None or not self.wallet.api_key:
            raise AuthFailed("This call needs a wallet with an API key.", code="no_key")
        return l2_headers(self.wallet, timestamp_s=int(time.time()), method=method, path=path, body=body)

    def _learn(self, reply: HttpReply, bucket: str) -> None:
        """What the reply says about limits. Raises Throttled for a 429, after shutting the bucket."""
        tier = reply.headers.get("poly-ratelimit-tier")
        if tier:
            set_tier(self.limiter, tier)
        if reply.status == 429:
            at_most_s = LONGEST_CANCEL_STOP_S if bucket == CANCELS_BUCKET else LONGEST_STOP_S
            waited_s = self.limiter.penalise(bucket, retry_after_s(reply, error_of(reply)), at_most_s=at_most_s)
            raise Throttled(f"Too many requests; holding back for {waited_s:.0f} s.", retry_after_s=waited_s)
        if reply.status < 500:
            self.limiter.forgive(bucket)


def ok_body(reply: HttpReply) -> bytes:
    """The body of a 200. Raises what any other status means for a read."""
    if reply.status != 200:
        raise read_failure(reply)
    return reply.body


def decode_plain(body: bytes, kind: type[msgspec.Struct] | type[int] | type[str]) -> object:
    """A bare JSON value (`"OK"`, unix seconds). Raises ProtocolError."""
    try:
        return msgspec.json.decode(body, type=ready(kind))
    except UNREADABLE as error:
        raise ProtocolError(f"unexpected reply: {error}", code="bad_json") from error


def unreadable(reply: HttpReply, error: Exception) -> OutcomeUnknown:
    """A reply to something that changes the world, which we cannot read: it may have had its effect."""
    return OutcomeUnknown(f"HTTP {reply.status} with an unreadable body ({error}).", status=reply.status)
