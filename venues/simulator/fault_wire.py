"""What disturbances do on the wire: to an answer, to a new connection, to frames.

Delays are real time here. A request that is held stays understood and signed, and takes effect when its time is over,
whether or not anybody still waits for the answer: that is how a late order comes to be.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import msgspec

from venues.simulator.asgi import Socket
from venues.simulator.asgi_reply import WHOLE, Reply
from venues.simulator.fault_bodies import damaged, damaged_text
from venues.simulator.fault_plan import CONNECT
from venues.simulator.faults import Call, Disturbance, FaultPlan, Spoil, Trick

_IDS = re.compile(r'"(asset_id|market)":"[^"]*"')
_STAMPS = re.compile(r'"(timestamp|ts|ts_ms)":("?)(\d{10,13})\b')
_TIMES = re.compile(r'"timestamp":"\d+"')


async def disturbed(faults: FaultPlan, call: Call, effect: Callable[[], Reply]) -> Reply:
    """The answer to a request, with what the plan does to it before and after its effect."""
    told = faults.before(call)
    if told is not None:
        await _lived_through(told)
        instead = _instead(told)
        if instead is not None:
            return instead
    reply = effect()
    told = faults.after(call)
    if told is None:
        return reply
    await _lived_through(told)
    return _instead(told) or _damaged(reply, told)


async def admitted(faults: FaultPlan, call: Call, socket: Socket) -> Disturbance | None:
    """Ask about a new connection; what to refuse it with, or None when it may go on (for as long as it is told)."""
    told = faults.before(call)
    if told is None:
        return None
    await _lived_through(told)
    if told.life_ms:
        asyncio.get_running_loop().call_later(told.life_ms / 1000, socket.cut)
        return None
    return told if _instead(told) is not None else None


def connecting(venue: str, account_id: str = "", channel: str = "") -> Call:
    return Call(venue, CONNECT, account_id, channel)


class FrameDoor:
    """One socket's frames on their way out, in order but for what the plan does to them."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self._kept: str | None = None

    def send(self, text: str, told: Disturbance | None = None) -> None:
        """Send, or do to the frame what was told. A kept frame follows the next one."""
        if told is None:
            self._pass(text)
        elif told.drop:
            return
        elif told.delay_ms:
            asyncio.get_running_loop().call_later(told.delay_ms / 1000, self.socket.send, text)
        elif told.skew_ms:
            self._pass(skewed(text, told.skew_ms))
        elif told.spoil is not Spoil.NONE:
            self._pass(damaged_text(text, told.spoil))
        else:
            self._trick(text, told.trick)

    def _trick(self, text: str, trick: Trick) -> None:
        match trick:
            case Trick.REORDER if self._kept is None:
                self._kept = text
            case Trick.DISCONNECT:
                self.socket.cut()
            case Trick.SILENCE:
                self.socket.mute()
            case Trick.DUPLICATE:
                self._pass(text)
                self._pass(text)
            case _:
                self._pass(text)

    def _pass(self, text: str) -> None:
        self.socket.send(text)
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self.socket.send(kept)


def estranged(text: str, trick: Trick) -> str:
    """A frame without numbers of its own (Polymarket): of a market nobody asked for, or out of another time."""
    if trick is Trick.UNKNOWN_SID:
        return _IDS.sub(lambda found: f'"{found[1]}":"1"', text)
    return _TIMES.sub('"timestamp":"1"', text) if trick is Trick.SEQ_RESET else text


def skewed(text: str, by_ms: int) -> str:
    """A frame as a venue writes it whose clock is so much behind; seconds and milliseconds are told by their length."""

    def moved(found: re.Match[str]) -> str:
        name, quote, stamp = found.groups()
        at = int(stamp) - (by_ms if len(stamp) == 13 else by_ms // 1000)
        return f'"{name}":{quote}{at}'

    return _STAMPS.sub(moved, text)


async def _lived_through(told: Disturbance) -> None:
    if told.delay_ms:
        await asyncio.sleep(told.delay_ms / 1000)


def _instead(told: Disturbance) -> Reply | None:
    if told.refuse or told.drop:
        return Reply(drop=True)
    if told.swallow:
        return Reply(swallow=True)
    if not told.status:
        return None
    return Reply(
        status=told.status,
        body=told.body,
        content_type=told.content_type,
        headers=told.headers,
        drip_ms=told.drip_ms,
    )


def _damaged(reply: Reply, told: Disturbance) -> Reply:
    if told.spoil is not Spoil.NONE:
        damage = damaged(reply.body, told.spoil)
        reply = msgspec.structs.replace(
            reply,
            body=damage.body,
            content_type=damage.content_type or reply.content_type,
            headers={**reply.headers, **damage.headers},
            cut_after=len(damage.body) // 2 if damage.is_cut else WHOLE,
        )
    return msgspec.structs.replace(reply, drip_ms=told.drip_ms)
