"""Known-bad traders: each breaks one rule of the protocol, and the chaos has to notice it.

Story (ORDERS §5.8): a checker that was never seen to fail proves nothing. A variant is the program with one thing done
as it should not be done: what was meant in the sentence beside it. They exist here only, as patches around a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

Patch = Callable[[], AbstractContextManager[None]]


class Variant(NamedTuple):
    """`patch` makes the program wrong while it is open; `words` say how."""

    name: str
    words: str
    patch: Patch


_ALL: dict[str, Variant] = {}


def variant(words: str) -> Callable[[Callable[[], Iterator[None]]], Patch]:
    """Register a generator that patches, yields once and takes its patch back; its name becomes the variant's."""

    def keep(patch: Callable[[], Iterator[None]]) -> Patch:
        opened = contextmanager(patch)
        name = patch.__name__.replace("_", "-")
        _ALL[name] = Variant(name, words, opened)
        return opened

    return keep


def known_bad() -> Mapping[str, Variant]:
    """All of them by name, in the order in which they are written down."""
    from tests.chaos import variants_books, variants_trading  # noqa: F401 - to import them is to register

    return _ALL
