"""The file beside the database that says how far the audit chains had come: what cannot be taken back with a backup.

Story: `audit.anchors` in the data folder has one line an anchor: the heads of the chains that moved since the line
before, and that line's hash. Who changes, cuts or exchanges the database leaves it behind what the file says; the file
in turn is entered in the database line by line, and each line's hash goes to the log. Invariants: lines are only ever
appended, under a lock, and are on the disk before anybody hears of them; a torn last line was never heard of and is cut
off by the next writer; whatever else cannot be read is an error that names its line.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

FILE_NAME = "audit.anchors"
CHAIN_PREFIX = "anchors:"


class Head(msgspec.Struct, frozen=True, array_like=True):
    """How far a chain had come: its last entry's number and hash."""

    seq: int
    hash: str


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `file` names the file for good. With `accepted` a person says that the database is behind for a known
    reason (a restored backup): `heads` then holds every chain, and what older lines say of heads is set aside."""

    line: int
    file: str
    at: str
    why: str
    prev: str
    heads: dict[str, Head]
    accepted: str = ""

    @property
    def chain(self) -> str:
        """The chain of the database in which this file's lines are entered."""
        return CHAIN_PREFIX + self.file


class AnchorsDamaged(Exception):
    """The file is not what was written; the message is a sentence that names the line."""


class AnchorsAhead(Exception):
    """The database does not have what the file knows of it; the message is a sentence that names the entry."""


_decoder = msgspec.json.Decoder(Anchor)
_encoder = msgspec.json.Encoder(order="deterministic")


def digest_of(anchor: Anchor) -> str:
    """SHA-256 of the line; it stands for every line before it too."""
    return hashlib.sha256(_encoder.encode(anchor)).hexdigest()


def read_anchors(path: Path) -> list[Anchor]:
    """Every line, each proven to follow the one before; none where there is no file. Raises AnchorsDamaged."""
    raw = path.read_bytes() if path.exists() else b""
    return list(_linked(raw, path.name))


class AnchorFile:
    """A file to append to; use inside `locked()`, where what others appended has been read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0
        self._last: Anchor | None = None
        self._heads: dict[str, Head] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the file. Raises OSError, AnchorsDamaged."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            self._catch_up()
            yield
        finally:
            os.close(self._handle)

    @property
    def heads(self) -> Mapping[str, Head]:
        """The last head of each chain that the file knows."""
        return self._heads

    def moved(self, heads: Mapping[str, Head]) -> dict[str, Head]:
        """Those that the file does not know so."""
        return {name: head for name, head in heads.items() if self._heads.get(name) != head}

    def append(self, *, at: str, why: str, heads: Mapping[str, Head], accepted: str = "") -> Anchor:
        """Write one line and wait for the disk. Raises OSError."""
        last = self._last
        anchor = Anchor(
            line=last.line + 1 if last is not None else 1,
            file=last.file if last is not None else str(uuid4()),
            at=at,
            why=why,
            prev=digest_of(last) if last is not None else "",
            heads=dict(heads),
            accepted=accepted,
        )
        raw = _encoder.encode(anchor) + b"\n"
        if os.write(self._handle, raw) != len(raw):
            raise OSError(f"{self._path.name} could not be written: the disk is full.")
        os.fsync(self._handle)
        self._note(anchor, len(raw))
        return anchor

    def _catch_up(self) -> None:
        """Read what was appended since; a file that was replaced by another or cut is read from its beginning."""
        if os.fstat(self._handle).st_size < self._read_to:
            self._read_to, self._last, self._heads = 0, None, {}
        raw = os.pread(self._handle, os.fstat(self._handle).st_size - self._read_to, self._read_to)
        whole, newline, torn = raw.rpartition(b"\n")
        if torn:
            os.ftruncate(self._handle, self._read_to + len(whole) + len(newline))
        for anchor in _linked(whole + newline, self._path.name, after=self._last):
            self._note(anchor, 0)
        self._read_to += len(whole) + len(newline)

    def _note(self, anchor: Anchor, size: int) -> None:
        self._read_to += size
        self._last = anchor
        self._heads = dict(anchor.heads) if anchor.accepted else self._heads | anchor.heads


def _linked(raw: bytes, name: str, *, after: Anchor | None = None) -> Iterator[Anchor]:
    """The whole lines of `raw`, which follow the line `after`."""
    for text in raw.splitlines(keepends=True):
        number = after.line + 1 if after is not None else 1
        if not text.endswith(b"\n"):
            return
        try:
            anchor = _decoder.decode(text)
        except msgspec.MsgspecError as error:
            raise AnchorsDamaged(f"Line {number} of {name} cannot be read ({error}).") from error
        expected = (number, digest_of(after), after.file) if after is not None else (1, "", anchor.file)
        if (anchor.line, anchor.prev, anchor.file) != expected or _encoder.encode(anchor) + b"\n" != text:
            raise AnchorsDamaged(f"Line {number} of {name} does not follow the line before it: the file was changed.")
        yield anchor
        after = anchor
