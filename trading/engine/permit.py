"""The permit to trade: it must be renewed, so that whoever fails to renew it has stopped trading.

Story: the guard reads the halts every 20 ms and writes a permit that is valid for 80 ms from the start of that read
into a file that every trader of the host has mapped. The last gate before the wire reads it within microseconds and
asks nothing but the host's memory. A halt need not be seen for orders to stop; it is enough that nobody says "go on".
Invariants: absent, expired, torn, of another boot or of another version means no; a revocation (anybody may write one)
voids every permit whose read began before it, and grants nothing; times are the host's CLOCK_MONOTONIC.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from risk.models import HaltState
from risk.selectors import Scope, StoppedScope
from trading.engine.version import boot_id, running_version
from venues.errors import NotSent

FILE_NAME = "permit"
KILL_FILE = "KILL"
VALID_NS = 80_000_000
LATE_WITHIN_S = 0.25
"""How long an order waits for a permit that is late: a busy machine denies no order for that alone."""
LOOK_AGAIN_S = 0.004

CAPACITY = 512
REVOKED_AT, BODY_AT, SUM_BYTES = 0, 64, 16
_MAGIC = b"CSPERMIT"
_FORMAT = 1
_REVOKED = struct.Struct("<Q")
_HEAD = struct.Struct("<8sH16s16sQQQH")
_ENTRY = struct.Struct("<16sB")
_BODY_BYTES = _HEAD.size + CAPACITY * _ENTRY.size
FILE_BYTES = BODY_AT + _BODY_BYTES + SUM_BYTES

REDUCING, STOPPED, FLATTENING = 1, 2, 3
_LEVELS: Final[Mapping[HaltState, int]] = {
    HaltState.REDUCING: REDUCING,
    HaltState.PAUSED: STOPPED,
    HaltState.HALTED: STOPPED,
}


class PermitAsk(NamedTuple):
    """What the gate asks for: every scope that can stop this order, and whether the order only reduces."""

    scopes: tuple[Scope, ...]
    reduces: bool


class Permit(Protocol):
    """What stands between an order that is written down and the wire."""

    def refusal(self, ask: PermitAsk) -> NotSent | None:
        """None: go. Asked again at the very last moment, so it is quick and waits for nothing."""
        ...

    async def awaited(self, ask: PermitAsk) -> None:
        """Wait a short, bounded time for a permit that is merely late; `refusal` has the say afterwards."""
        ...

    def generation(self) -> int:
        """Changes whenever somebody revoked: a cheap hint that it is worth reading the halts now."""
        ...


class HaltRowsOnly:
    """For lock-step replays and tests: the halts that the claim read in its own transaction are all there is.

    Virtual time stands still while an order is sent, so nothing can change in between, and no wall clock decides.
    """

    def refusal(self, ask: PermitAsk) -> NotSent | None:
        return None

    async def awaited(self, ask: PermitAsk) -> None:
        return None

    def generation(self) -> int:
        return 0


class Reading(NamedTuple):
    """A whole permit as it was read: the levels of the stopped scopes, and from when to when it holds."""

    view: mmap.mmap
    stopped: Mapping[bytes, int]
    read_ns: int
    until_ns: int

    def ended(self) -> str | None:
        """Why it holds no more."""
        if self.read_ns <= _REVOKED.unpack_from(self.view, REVOKED_AT)[0]:
            return "the permit was revoked"
        if not self.read_ns <= time.monotonic_ns() < self.until_ns:
            return "the permit has expired: the guard or the database does not answer"
        return None


class FilePermit:
    """The gate's side of the file. Reads only; finds the file again when it was made anew."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._kill = data_dir / KILL_FILE
        self._own = (boot_id(), running_version())
        self._map: mmap.mmap | None = None
        self._inode = 0

    def refusal(self, ask: PermitAsk) -> NotSent | None:
        """Why this order may not leave now. The clock is read last: whoever slept anywhere before finds the permit
        expired, and next to nothing is left to do after it."""
        if self._kill.exists():
            return _no("a KILL file lies in the data folder")
        reading = self._read()
        if isinstance(reading, str):
            return _no(reading)
        levels = {reading.stopped[key] for key in map(scope_key, ask.scopes) if key in reading.stopped}
        is_stopped = bool(levels) and not (ask.reduces and (FLATTENING in levels or levels == {REDUCING}))
        if (why := reading.ended()) is not None:
            return _no(why)
        return _no("trading is halted in one of its scopes", code="permit_halted") if is_stopped else None

    async def awaited(self, ask: PermitAsk) -> None:
        deadline = time.monotonic() + LATE_WITHIN_S
        while (refusal := self.refusal(ask)) is not None and refusal.code == "no_permit":
            if self._kill.exists() or time.monotonic() > deadline:
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    def generation(self) -> int:
        view = self._mapped()
        return _REVOKED.unpack_from(view, REVOKED_AT)[0] if view is not None else 0

    def _read(self) -> Reading | str:
        """What the permit says, or why there is none."""
        view = self._mapped()
        if view is None:
            return "there is no permit: the guard does not run"
        body = _untorn(view)
        if body is None:
            return "the permit cannot be read"
        magic, form, boot, version, _, read_ns, until_ns, count = _HEAD.unpack_from(body)
        if magic != _MAGIC or form != _FORMAT or (boot, version) != self._own:
            return "the permit is of another version or another start of this machine"
        if count > CAPACITY:
            return "too many halts to list: all is stopped"
        stopped = dict(_ENTRY.iter_unpack(body[_HEAD.size : _HEAD.size + count * _ENTRY.size]))
        return Reading(view, stopped, read_ns, min(until_ns, read_ns + VALID_NS))

    def _mapped(self) -> mmap.mmap | None:
        try:
            found = os.stat(self._path)
            if self._map is None or found.st_ino != self._inode:
                self._map, self._inode = _map_file(self._path, for_writing=False), found.st_ino
        except (OSError, ValueError):
            self._map = None
        return self._map


class PermitWriter:
    """The guard's side of the file: one writer per host (`renew`); `revoke` is anybody's."""

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / FILE_NAME
        if not path.exists() or path.stat().st_size != FILE_BYTES:
            path.write_bytes(bytes(FILE_BYTES))
        self._map = _map_file(path, for_writing=True)
        self._sequence = 0
        self.revoke()

    def renew(self, *, read_ns: int, stopped: Iterable[StoppedScope]) -> None:
        """Permit everything but `stopped` until 80 ms after `read_ns`, when the reading of the halts began."""
        levels: dict[bytes, int] = {}
        for halt in stopped:
            key, level = scope_key(halt.scope), FLATTENING if halt.flatten else _LEVELS[halt.state]
            levels[key] = max(level, levels.get(key, 0))
        self._sequence += 1
        boot, version, count = boot_id(), running_version(), len(levels)
        head = (_MAGIC, _FORMAT, boot, version, self._sequence, read_ns, read_ns + VALID_NS, count)
        body = bytearray(_BODY_BYTES)
        _HEAD.pack_into(body, 0, *head)
        for index, entry in enumerate(list(levels.items())[:CAPACITY]):
            _ENTRY.pack_into(body, _HEAD.size + index * _ENTRY.size, *entry)
        self._map[BODY_AT:FILE_BYTES] = bytes(body) + _checksum(body)

    def revoke(self) -> None:
        _REVOKED.pack_into(self._map, REVOKED_AT, time.monotonic_ns())

    def close(self) -> None:
        self.revoke()
        self._map.close()


def permit_revoke(data_dir: Path) -> bool:
    """Void every permit of this host that rests on a reading from before now. False where no guard ever ran."""
    try:
        view = _map_file(data_dir / FILE_NAME, for_writing=True)
    except (OSError, ValueError):
        return False
    _REVOKED.pack_into(view, REVOKED_AT, time.monotonic_ns())
    view.close()
    return True


def scope_key(scope: Scope) -> bytes:
    """A scope's fixed-size name in the file."""
    kind, key = scope
    return blake2b(f"{kind}\0{key}".encode(), digest_size=16).digest()


def _map_file(path: Path, *, for_writing: bool) -> mmap.mmap:
    with path.open("r+b" if for_writing else "rb") as file:
        return mmap.mmap(file.fileno(), FILE_BYTES, access=mmap.ACCESS_WRITE if for_writing else mmap.ACCESS_READ)


def _untorn(view: mmap.mmap) -> bytes | None:
    """The body as one writer wrote it; it may be written at this very moment, so it is read up to three times."""
    for _ in range(3):
        raw = view[BODY_AT:FILE_BYTES]
        if _checksum(raw[:_BODY_BYTES]) == raw[_BODY_BYTES:]:
            return raw[:_BODY_BYTES]
    return None


def _checksum(body: bytes | bytearray) -> bytes:
    return blake2b(body, digest_size=SUM_BYTES).digest()


def _no(why: str, *, code: str = "no_permit") -> NotSent:
    return NotSent(f"Not sent: {why}.", code=code)
