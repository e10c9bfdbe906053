"""Where a paper account is kept: one file, one line a change, on the disk before anybody hears of it.

A line holds everything that happened at one moment (an order with its fills), so that a crash loses all of it or
nothing. Invariants: a line that was acknowledged is read again for ever; a torn last line was never acknowledged and is
cut off; a damaged line before it is an error, never skipped. The file is locked by the process that trades.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from venues.errors import NotSent, OutcomeUnknown, ProtocolError
from venues.paper.records import Record

_decoder = msgspec.json.Decoder(list[Record])
_encoder = msgspec.json.Encoder()


class Journal(Protocol):
    def read(self) -> Iterator[list[Record]]: ...

    def append(self, records: Sequence[Record]) -> None:
        """Durable when it returns. Raises OutcomeUnknown when that cannot be said."""
        ...

    def close(self) -> None: ...


class MemoryJournal:
    """For tests and backtests; `kept` can open the next account."""

    def __init__(self, kept: list[bytes] | None = None) -> None:
        self.kept: list[bytes] = kept if kept is not None else []

    def read(self) -> Iterator[list[Record]]:
        yield from (_decoder.decode(line) for line in list(self.kept))

    def append(self, records: Sequence[Record]) -> None:
        self.kept.append(_encoder.encode(records))

    def close(self) -> None:
        return None


class FileJournal:
    """Raises NotSent `paper_account_locked` while another process trades the account."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise NotSent(f"Another process trades {path.name}; stop it first.", code="paper_account_locked") from error

    def read(self) -> Iterator[list[Record]]:
        """Raises ProtocolError `paper_journal_damaged` for a line that cannot be read and is not the torn end."""
        raw = self._path.read_bytes()
        whole, newline, torn = raw.rpartition(b"\n")
        if torn:
            os.ftruncate(self._file, len(whole) + len(newline))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                yield _decoder.decode(line)
            except msgspec.MsgspecError as error:
                text = f"Line {number} of {self._path.name} is damaged ({error}): restore the file from a backup."
                raise ProtocolError(text, code="paper_journal_damaged") from error

    def append(self, records: Sequence[Record]) -> None:
        line = _encoder.encode(records) + b"\n"
        try:
            written = os.write(self._file, line)
            os.fsync(self._file)
        except OSError as error:
            raise OutcomeUnknown(f"The paper account cannot be kept: {error}.", code="paper_journal") from error
        if written != len(line):
            raise OutcomeUnknown("The paper account cannot be kept: the disk is full.", code="paper_journal")

    def close(self) -> None:
        os.close(self._file)
