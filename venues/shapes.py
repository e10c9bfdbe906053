"""Shapes that are safe to decode in any thread.

msgspec works out what a Struct looks like when it is first decoded, and two threads that do so at the same time crash
the interpreter (0.22: a segmentation fault, which no `except` sees). So the first time belongs to one thread: whoever
decodes outside of a module's own import asks `ready` for the shape.
"""

from __future__ import annotations

import threading
from typing import TypeVar

import msgspec

Shape = TypeVar("Shape")

_first = threading.Lock()
_known: set[object] = set()


def ready(shape: Shape) -> Shape:
    """The shape itself, worked out with all that is in it."""
    if shape not in _known:
        with _first:
            msgspec.json.Decoder(shape)
            _known.add(shape)
    return shape
