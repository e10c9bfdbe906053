"""Puts a world of ours (clocks, network, terminal) in the place of the machine's, and takes it out again.

Nothing of the program itself is replaced: what decides, writes and talks is what runs in earnest.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def swapped(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` while open. Raises AttributeError where there is no such name."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def swapped_items(mapping: MutableMapping[str, Any], changes: dict[str, Any]) -> Iterator[None]:
    """`mapping` has these items while open."""
    before = {name: mapping[name] for name in changes if name in mapping}
    mapping.update(changes)
    try:
        yield
    finally:
        for name in changes:
            if name in before:
                mapping[name] = before[name]
            else:
                del mapping[name]
