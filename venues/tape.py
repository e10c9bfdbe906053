"""Tapes: raw frames as they came in, recorded beside the trading and read back for replays.

A tape is gzip'd JSON lines: a head `{"courtside_tape":1,…}`, one line per frame with the time it was received, and a
tail that counts them. It is written to `<name>.part` and gets its name only when it is complete, so a named tape is
whole. A full queue drops frames and counts them in the tail; it never blocks the event loop or fills the memory.

`iter_tape` reads one back. A file that is truncated, foreign or empty raises `TapeError` with a sentence that says what
it is and what to do.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from venues.shapes import ready

VERSION = 1
_MAX_LINE = 64 * 1024 * 1024
_COMPRESSION = 1


class TapeError(Exception):
    """A sentence for people: which file, what is wrong, what to do."""


class TapeHead(msgspec.Struct, frozen=True):
    courtside_tape: int
    created_ms: int
    note: str = ""
    part: int = 1


class TapeFrame(msgspec.Struct, frozen=True, omit_defaults=True):
    """`at` is the time of receipt in UTC µs. `b64` marks a frame that is not text: `frame` is then base64."""

    at: int
    stream: str
    frame: str
    b64: bool = False

    @property
    def payload(self) -> str | bytes:
        """The frame as it came in."""
        return base64.b64decode(self.frame) if self.b64 else self.frame


class TapeTail(msgspec.Struct, frozen=True):
    frames: int
    dropped: int = 0


class TapeRecorder:
    """`record` takes frames from any stream at once; `run` writes them out in a thread; `finish` completes the tape.

    With `rotate_bytes` (of unpacked lines) a new file is begun when one is full: `name.001.jsonl.gz`, `name.002…`.
    """

    def __init__(
        self, path: Path, *, created_ms: int, note: str = "", max_queued: int = 50_000, rotate_bytes: int | None = None
    ) -> None:
        self.dropped = 0
        self.finished: list[Path] = []
        self._path = path
        self._created_ms = created_ms
        self._note = note
        self._max_queued = max_queued
        self._rotate_bytes = rotate_bytes
        self._queue: list[TapeFrame] = []
        self._writing = asyncio.Lock()
        self._dropped_written = 0
        self._part = 0
        self._file = self._open_next()

    def record(self, stream: str, frame: bytes | str, received_us: int) -> None:
        """A `FrameTap`: never blocks, drops (and counts) when the writer cannot follow."""
        if len(self._queue) >= self._max_queued:
            self.dropped += 1
            return
        self._queue.append(_frame(stream, frame, received_us))

    async def run(self, *, every_s: float = 1.0) -> None:
        """Write out what is queued every `every_s`, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.flush()

    async def flush(self) -> None:
        """Everything recorded so far is in the file (still `.part`) when this returns."""
        async with self._writing:
            batch, self._queue = self._queue, []
            await asyncio.to_thread(self._write, batch)

    async def finish(self) -> tuple[Path, ...]:
        """Write the rest, give the tape its name, and return all files of it."""
        await self.flush()
        async with self._writing:
            await asyncio.to_thread(self._complete)
        return tuple(self.finished)

    def _write(self, batch: list[TapeFrame]) -> None:
        for frame in batch:
            self._file.write_line(frame)
            if self._rotate_bytes is not None and self._file.size >= self._rotate_bytes:
                self._complete()
                self._file = self._open_next()
        self._file.flush()

    def _complete(self) -> None:
        dropped, self._dropped_written = self.dropped - self._dropped_written, self.dropped
        self.finished.append(self._file.complete(dropped))

    def _open_next(self) -> _OpenTape:
        self._part += 1
        name = self._path
        if self._rotate_bytes is not None:
            stem = name.name.removesuffix(".jsonl.gz")
            name = name.with_name(f"{stem}.{self._part:03d}.jsonl.gz")
        return _OpenTape(name, TapeHead(VERSION, self._created_ms, self._note, self._part))


class _OpenTape:
    """One file being written under its `.part` name."""

    def __init__(self, path: Path, head: TapeHead) -> None:
        if path.exists():
            raise TapeError(f"The tape {path} exists already: choose another name or move it away.")
        self.size = 0
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._frames = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._gzip = gzip.GzipFile(self._part, "wb", compresslevel=_COMPRESSION)
        except OSError as error:
            raise TapeError(f"The tape {path} cannot be written: {error.strerror}.") from error
        self._put(head)

    def write_line(self, frame: TapeFrame) -> None:
        self._put(frame)
        self._frames += 1

    def flush(self) -> None:
        self._gzip.flush()

    def complete(self, dropped: int) -> Path:
        """Tail, fsync, and only then the real name."""
        self._put(TapeTail(self._frames, dropped))
        self._gzip.close()
        with self._part.open("rb") as written:
            os.fsync(written.fileno())
        self._part.rename(self._path)
        return self._path

    def _put(self, line: TapeHead | TapeFrame | TapeTail) -> None:
        data = msgspec.json.encode(line) + b"\n"
        self._gzip.write(data)
        self.size += len(data)


def read_head(path: Path) -> TapeHead:
    """What a tape says of itself. Raises TapeError."""
    with _opened(path) as lines:
        return _head(lines, path)


def iter_tape(path: Path, *, allow_unfinished: bool = False) -> Iterator[TapeFrame]:
    """The frames in the order they came in. Raises TapeError at the place where the tape cannot be read on.

    `allow_unfinished` takes a tape without its end (the recorder died) as far as it goes.
    """
    frames = 0
    with _opened(path) as lines:
        _head(lines, path)
        try:
            for line in iter(lambda: lines.readline(_MAX_LINE), b""):
                entry = _entry(line, path, frames)
                if isinstance(entry, TapeTail):
                    _check_tail(entry, frames, path)
                    return
                yield entry
                frames += 1
        except (EOFError, zlib.error, OSError, _CutOffError):
            pass
    if not allow_unfinished:
        raise TapeError(
            f"The tape {path} is cut off after {frames} frames: copy it again, or record it again to its end."
        )


class _CutOffError(Exception):
    """The last line has no end."""


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise TapeError(f"There is no tape {path}: check the name.")
    if path.stat().st_size == 0:
        raise TapeError(f"The tape {path} is empty: record it again.")
    return cast(BinaryIO, gzip.open(path, "rb"))


def _head(lines: BinaryIO, path: Path) -> TapeHead:
    try:
        line = lines.readline(_MAX_LINE)
        head = msgspec.json.decode(line, type=ready(TapeHead))
    except (gzip.BadGzipFile, msgspec.DecodeError, msgspec.ValidationError, zlib.error, UnicodeDecodeError) as error:
        raise TapeError(
            f"{path} is not a Courtside tape: choose a file that was recorded by this program (.jsonl.gz)."
        ) from error
    except EOFError as error:
        raise TapeError(f"The tape {path} is cut off in its first line: copy or record it again.") from error
    if head.courtside_tape != VERSION:
        raise TapeError(f"The tape {path} has version {head.courtside_tape}, this program reads version {VERSION}.")
    return head


def _entry(line: bytes, path: Path, frames: int) -> TapeFrame | TapeTail:
    if not line.endswith(b"\n"):
        raise _CutOffError
    try:
        if line.startswith(b'{"frames":'):
            return msgspec.json.decode(line, type=ready(TapeTail))
        return _DECODER.decode(line)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise TapeError(f"The tape {path} is damaged at frame {frames + 1}: copy it again.") from error


def _check_tail(tail: TapeTail, frames: int, path: Path) -> None:
    if tail.frames != frames:
        raise TapeError(f"The tape {path} has {frames} of {tail.frames} frames: copy it again.")


def _frame(stream: str, frame: bytes | str, received_us: int) -> TapeFrame:
    if isinstance(frame, str):
        return TapeFrame(received_us, stream, frame)
    try:
        return TapeFrame(received_us, stream, frame.decode("utf-8"))
    except UnicodeDecodeError:
        return TapeFrame(received_us, stream, base64.b64encode(frame).decode("ascii"), b64=True)


_DECODER = msgspec.json.Decoder(TapeFrame)
