"""The running fingerprint of a session: equal messages give equal commands, byte for byte, and this proves it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from trading.domain.commands import Command


class Digest:
    """SHA-256 over the MessagePack encoding of every command, in order."""

    __slots__ = ("_encoder", "_hash", "count")

    def __init__(self) -> None:
        self._hash = sha256()
        self._encoder = msgspec.msgpack.Encoder()
        self.count = 0

    def update(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._hash.update(self._encoder.encode(command))
            self.count += 1

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
