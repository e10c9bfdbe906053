"""Reads socket frames: splits lines, decodes each by its type, and counts what nobody declared.

A frame may hold several JSON lines and ends with a newline. A type we do not know is counted and skipped (its `seq`
still counts); a known type that cannot be read raises ProtocolError. Unknown fields are looked for in every frame but
`orderbook_delta`, of which the first after each loss and then one in 1,024 is: decoding twice would halve the speed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from venues.errors import ProtocolError
from venues.kalshi.schemas_stream import Frame, FrameType
from venues.shapes import ready
from venues.types import Venue
from venues.wire import Census, Wire

EXAMINE_EVERY = 1_024

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What `FrameReader.decode` raises."""


class FrameReader:
    """Decodes the frames of one socket. `unknown_types` counts frames of types we do not know.

    `decode` takes one JSON document of a known type and nothing else; `read` is for what it refuses, too.
    """

    def __init__(self, census: Census | None = None) -> None:
        self.census = census or Census(Venue.KALSHI)
        self.unknown_types: Counter[str] = Counter()
        self.decode: Callable[[str | bytes], Frame] = msgspec.json.Decoder(ready(Frame)).decode
        self._decode_header = msgspec.json.Decoder(ready(FrameType)).decode

    def read(self, line: str | bytes) -> Frame | FrameType:
        """One JSON document, examined. A FrameType comes back for an unknown type. Raises ProtocolError."""
        try:
            frame = self.decode(line)
        except UNREADABLE as error:
            return self._unknown(line, error)
        self.examine(line, frame)
        return frame

    def examine(self, line: str | bytes, frame: Frame) -> None:
        """Look for unknown fields in a document that was decoded to `frame`."""
        self.census.note(msgspec.json.decode(line), type(frame))

    def _unknown(self, line: str | bytes, cause: Exception) -> FrameType:
        try:
            header = self._decode_header(line)
        except UNREADABLE as error:
            raise ProtocolError(f"a frame cannot be read: {error}", code="bad_json") from error
        if header.type in _KNOWN_TYPES:
            raise ProtocolError(f"{header.type}: {cause}", code="bad_json") from cause
        self.unknown_types[header.type] += 1
        return header


def lines_of(frame: str | bytes) -> Sequence[str | bytes]:
    """The JSON documents in a frame; nearly always one."""
    newline: str | bytes = "\n" if isinstance(frame, str) else b"\n"
    if frame.find(newline, 0, -1) < 0:  # type: ignore[arg-type]  # both are of the frame's own type
        return (frame,)
    return [line for line in frame.splitlines() if line.strip()]


def _tag(schema: type[Wire]) -> str:
    return str(schema.__struct_config__.tag)


_KNOWN_TYPES = frozenset(_tag(schema) for schema in Frame.__args__)
