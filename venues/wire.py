"""Decodes a venue's JSON into typed structs that hold only what is read, and counts every field nobody declared.

A field is used (declared on the struct), known and unused (`UNUSED`), or unknown. Unknown ones are counted in a
`Census` under `Struct.field`, and per venue in `venues.unknown_fields`, so that a change of a venue's API shows in the
log and on the health page before it shows as a bug. Extra fields never break a read; a missing or mistyped used field
raises ProtocolError.
"""

from __future__ import annotations

import json
import typing
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar, TypeVar

import msgspec

from venues.errors import ProtocolError
from venues.shapes import ready
from venues.unknown_fields import UNKNOWN_FIELDS


class Wire(msgspec.Struct):
    """Base of all structs read from a wire. `UNUSED` names the known fields that we do not read."""

    UNUSED: ClassVar[frozenset[str]] = frozenset()


WireT = TypeVar("WireT", bound=Wire)


class Census:
    """Counts unknown fields per struct (`unknown["GammaMarket.newField"] == 3`), in every `every`-th document.

    The count needs a second, untyped decode: hot sockets are sampled, replies to requests are all counted. What comes
    from a running `venue` is told to `UNKNOWN_FIELDS` as well; a census without one only counts.
    """

    def __init__(self, venue: str = "", *, every: int = 1) -> None:
        self.unknown: Counter[str] = Counter()
        self._venue = venue
        self._every = every
        self._seen = 0

    def is_due(self) -> bool:
        """True for the first document and every `every`-th one after it."""
        self._seen += 1
        return self._every == 1 or self._seen % self._every == 1

    def note(self, value: object, schema: type[Wire]) -> None:
        """Walk one untyped JSON value beside its schema."""
        if isinstance(value, list):
            for item in value:
                self.note(item, schema)
        elif isinstance(value, dict):
            self._note_object(value, schema)

    def _note_object(self, value: dict[str, object], schema: type[Wire]) -> None:
        children = _children(schema)
        for name, child_value in value.items():
            if name not in children:
                if name not in schema.UNUSED:
                    self._count(f"{schema.__name__}.{name}")
            elif (child := children[name]) is not None:
                self.note(child_value, child)

    def _count(self, name: str) -> None:
        self.unknown[name] += 1
        if self._venue:
            UNKNOWN_FIELDS.note(self._venue, name)


def decode(body: bytes | str, schema: type[WireT], census: Census) -> WireT:
    """One JSON object as `schema`. Raises ProtocolError with the path of what is wrong."""
    return typing.cast(WireT, _decode(body, schema, schema, census))


def decode_list(body: bytes | str, schema: type[WireT], census: Census) -> list[WireT]:
    """A JSON array of `schema`. Raises ProtocolError with the path of what is wrong."""
    return typing.cast("list[WireT]", _decode(body, list[schema], schema, census))  # type: ignore[valid-type]


def decode_answer(body: bytes, content_type: str, schema: type[WireT], census: Census) -> WireT:
    """The answer to something that changes the world, read without good will. Raises ProtocolError.

    JSON that says twice what a field is, or that calls itself something else, is not believed.
    """
    if content_type and "json" not in content_type.lower():
        raise ProtocolError(f"{schema.__name__}: the answer is {content_type[:60]!r}, not JSON", code="bad_json")
    answer = decode(body, schema, census)
    json.loads(body, object_pairs_hook=_distinct)
    return answer


UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What a decoder raises at bytes that are no JSON, of another shape, or nested too deeply."""


def fields(names: str) -> frozenset[str]:
    """`UNUSED = fields("a b c")`."""
    return frozenset(names.split())


def _decode(body: bytes | str, shape: Any, schema: type[Wire], census: Census) -> object:
    try:
        value = msgspec.json.decode(body, type=ready(shape), strict=True)
        if census.is_due():
            census.note(msgspec.json.decode(body), schema)
    except UNREADABLE as error:
        raise ProtocolError(f"{schema.__name__}: {error}", code="bad_json") from error
    return typing.cast(object, value)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ProtocolError("a field occurs twice in one object", code="bad_json")
    return named


@cache
def _children(schema: type[Wire]) -> dict[str, type[Wire] | None]:
    """The declared fields of a struct, each with the struct inside it, or None for a plain value."""
    children = {field.encode_name: next(_wires_in(field.type), None) for field in msgspec.structs.fields(schema)}
    tag = schema.__struct_config__.tag_field
    return {**children, tag: None} if tag else children


def _wires_in(annotation: Any) -> Iterator[type[Wire]]:
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        if issubclass(annotation, Wire):
            yield annotation
        return
    for part in typing.get_args(annotation):
        yield from _wires_in(part)
