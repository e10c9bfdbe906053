"""A client of the simulator's control port: opens accounts, reads and moves the virtual clock, reads the exact ledger.

The trader uses it in simulated mode only, for what a person would do at a venue's web page (open an account, pay in
money) and to share the venues' clock. Orders, books and fills never come this way: those use the venues' own wire.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from venues.errors import NotFoundAtVenue, ProtocolError
from venues.shapes import ready
from venues.transport.http import HttpReply, HttpTransport
from venues.types import Venue

T = TypeVar("T")


class StreamCount(msgspec.Struct, frozen=True):
    """How many data frames were written to the connection whose client end is local port `peer`."""

    peer: int
    venue: str
    channel: str
    sent: int


class ClockReading(msgspec.Struct, frozen=True):
    """Virtual UTC milliseconds and virtual seconds per real second (0 while paused). `finished`: a replay has ended."""

    now_ms: int
    speed: float
    paused: bool = False
    finished: bool = False
    streams: tuple[StreamCount, ...] = ()


class SimulatedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A funded account. `credentials` is what the venue's adapter needs to sign in; it is a secret."""

    venue: Venue
    account_id: str
    account_key: str
    credentials: dict[str, Any]


class SimulatorControl:
    """Raises NotSent or OutcomeUnknown when the simulator does not answer, ProtocolError when it answers nonsense."""

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        self._http = HttpTransport(base_url=f"http://{host}:{port}", name="simulator-control")

    async def open_account(self, venue: Venue, *, balance_usd: str) -> SimulatedAccount:
        """A new account with an Ed25519 key (Kalshi) or a deposit wallet's signer (Polymarket, type 0: plain EOA)."""
        wish: dict[str, Any] = {"venue": venue.value, "balance_usd": balance_usd}
        wish |= {"key_type": "ed25519"} if venue is Venue.KALSHI else {"signature_type": 0}
        made = await self._ask("POST", "/accounts", dict[str, Any], wish)
        key = made["key_id"] if venue is Venue.KALSHI else made["funder"]
        return SimulatedAccount(venue=venue, account_id=made["account_id"], account_key=key, credentials=made)

    async def knows_account(self, account_id: str) -> bool:
        try:
            return bool((await self.ledger(account_id))["accounts"])
        except NotFoundAtVenue:
            return False

    async def ledger(self, account_id: str) -> dict[str, Any]:
        return await self._ask("GET", f"/ledger?account_id={account_id}", dict[str, Any])

    async def ledgers(self) -> dict[str, Any]:
        """Of every account, in integers of a millionth."""
        return await self._ask("GET", "/ledger", dict[str, Any])

    async def clock(self) -> ClockReading:
        return await self._ask("GET", "/clock", ClockReading)

    async def pause(self) -> ClockReading:
        return await self._ask("POST", "/clock", ClockReading, {"paused": True})

    async def step(self, step_ms: int, *, slice_ms: int | None = None) -> ClockReading:
        """Process every event of the next `step_ms` of virtual time, or of as many slices of it as it takes until a
        frame is written; all frames are written when this returns."""
        wish = {"step_ms": step_ms, "slice_ms": slice_ms or step_ms}
        return await self._ask("POST", "/clock", ClockReading, wish, deadline_s=60.0)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        shape: type[T],
        wish: dict[str, Any] | None = None,
        deadline_s: float = 10.0,
    ) -> T:
        body = json.dumps(wish).encode() if wish is not None else None
        headers = {"content-type": "application/json"} if body else {}
        reply = await self._http.send(method, path, headers=headers, body=body, deadline_s=deadline_s)
        return _read(reply, shape, path)


def _read(reply: HttpReply, shape: type[T], path: str) -> T:
    if reply.status == 404:
        raise NotFoundAtVenue(f"The simulator does not know {path}.", status=404)
    if reply.status >= 300:
        raise ProtocolError(f"The simulator answered {reply.status} to {path}: {reply.body[:200]!r}")
    try:
        return msgspec.json.decode(reply.body, type=ready(shape))
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"The simulator's answer to {path} cannot be read: {error}") from error
