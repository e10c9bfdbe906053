"""Frames of the market channel, decoded: the typed union first, and what it refuses object by object.

Old captures carry no `event_type`, new kinds of event may appear at any time, and one odd object must not take the
other objects of its frame with it. Nothing is dropped silently: what cannot be read is counted, and when it names a
market it comes out as `Damaged`, so that the market's book can be distrusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from venues.errors import ProtocolError
from venues.polymarket.schemas_stream import (
    BestPricesFrame,
    BookFrame,
    LastTradeFrame,
    MarketFrame,
    NewMarketFrame,
    PriceChangeFrame,
    ResolvedFrame,
    TickSizeFrame,
)
from venues.shapes import ready
from venues.types import Venue
from venues.wire import UNREADABLE, Census

_CHANGES_DECODER = msgspec.json.Decoder(PriceChangeFrame, strict=False)
_DECODER = msgspec.json.Decoder(MarketFrame | list[MarketFrame], strict=False)
_SCHEMAS = (
    BookFrame,
    PriceChangeFrame,
    LastTradeFrame,
    TickSizeFrame,
    BestPricesFrame,
    NewMarketFrame,
    ResolvedFrame,
)
_CENSUS_EVERY = 256
_BY_TAG = {str(schema.__struct_config__.tag): schema for schema in _SCHEMAS}


class Damaged(msgspec.Struct):
    """An object about `market` that could not be read."""

    market: str
    reason: str


def objects_of(frame: str | bytes) -> list[bytes]:
    """The JSON objects of a frame, undecoded: it is one or an array of them. Raises ProtocolError."""
    is_list = frame.lstrip()[:1] in ("[", b"[")
    try:
        if is_list:
            return [bytes(each) for each in msgspec.json.decode(frame, type=list[msgspec.Raw])]
        return [bytes(msgspec.json.decode(frame, type=msgspec.Raw))]
    except UNREADABLE as error:
        raise ProtocolError(f"not JSON: {error}", code="bad_json") from error


class MarketDecoder:
    """`counts` and `census` tell what was not understood.

    `decode_changes` reads one `price_change`, nearly every frame there is, and nothing else: the venue puts the tag
    last, so that a union has to read every frame twice. `decode` reads what is of today's form and raises on the rest,
    `salvaged` never raises.
    """

    def __init__(self) -> None:
        self.census = Census(Venue.POLYMARKET, every=_CENSUS_EVERY)
        self.counts: Counter[str] = Counter()
        self.decode_changes: Callable[[str | bytes], PriceChangeFrame] = _CHANGES_DECODER.decode
        self.decode: Callable[[str | bytes], MarketFrame | list[MarketFrame]] = _DECODER.decode

    def salvaged(self, frame: str | bytes) -> list[Any]:
        """The objects of a frame that `decode` refuses, in order, with `Damaged` in the place of unreadable ones."""
        try:
            value = msgspec.json.decode(frame)
        except UNREADABLE:
            self.counts["no_json"] += 1
            return []
        read = [self._one(each) for each in (value if isinstance(value, list) else [value])]
        return [each for each in read if each is not None]

    def examine(self, frame: str | bytes) -> Any:
        """Look for unknown fields in a frame that was read, by a second decode, which is returned: for samples only."""
        value = msgspec.json.decode(frame)
        for each in value if isinstance(value, list) else [value]:
            if (schema := _schema_of(each)) is not None:
                self.census.note(each, schema)
        return value

    def _one(self, value: object) -> Any:
        schema = _schema_of(value)
        if schema is None or not isinstance(value, dict):
            self.counts["unknown_frame"] += 1
            return None
        if schema is PriceChangeFrame and "price_changes" not in value:
            value = {**value, "price_changes": [value]}
        try:
            return msgspec.convert({**value, "event_type": schema.__struct_config__.tag}, ready(schema), strict=False)
        except msgspec.ValidationError as error:
            self.counts["unreadable"] += 1
            return Damaged(str(value.get("market", "")), f"unreadable frame: {error}")


def _schema_of(value: object) -> Any:
    """Which kind an untagged or odd object is: by its tag, or else by its telling field."""
    if not isinstance(value, dict):
        return None
    if "event_type" in value:
        return _BY_TAG.get(str(value["event_type"]))
    if "price_changes" in value:
        return PriceChangeFrame
    return BookFrame if "bids" in value else None
