"""Known-bad traders: each breaks one rule of the protocol, and the chaos has to notice it.

Story (ORDERS §5.8): a checker that was never seen to fail proves nothing. A variant is the program with one thing done
as it should not be done: what was meant in the sentence beside it. They exist here only, as patches around a run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple

from tests.swapped import swapped

Patch = Callable[[], AbstractContextManager[None]]


class Variant(NamedTuple):
    """`patch` makes the program wrong while it is open; `words` say how."""

    name: str
    words: str
    patch: Patch


_ALL: dict[str, Variant] = {}
_watching = False
_patches: set[str] = set()
_reached: set[str] = set()


def variant(words: str) -> Callable[[Callable[[], Iterator[None]]], Patch]:
    """Register a generator that patches, yields once and takes its patch back; its name becomes the variant's."""

    def keep(patch: Callable[[], Iterator[None]]) -> Patch:
        opened = contextmanager(patch)
        name = patch.__name__.replace("_", "-")
        _ALL[name] = Variant(name, words, opened)
        return opened

    return keep


@contextmanager
def patched(owner: Any, name: str, value: Callable[..., Any]) -> Iterator[None]:
    """`owner.name` is `value` while open, or what it was (`watched`); whether the program comes by is noted."""
    what = f"{getattr(owner, '__qualname__', owner.__name__)}.{name}"
    _patches.add(what)
    chosen = getattr(owner, name) if _watching else value

    def reached(*given: Any, **more: Any) -> Any:
        _reached.add(what)
        return chosen(*given, **more)

    with swapped(owner, name, reached):
        yield


@contextmanager
def watched() -> Iterator[None]:
    """All patches are in place while open, and none makes anything wrong: `unreached` tells whether they would."""
    with ExitStack() as stack:
        with swapped(sys.modules[__name__], "_watching", True):
            for one in known_bad().values():
                stack.enter_context(one.patch())
        yield


def unreached() -> set[str]:
    """What was patched so far and never called: a patch of code that is not run any more proves nothing."""
    return _patches - _reached


def known_bad() -> Mapping[str, Variant]:
    """All of them by name, in the order in which they are written down."""
    from tests.chaos import variants_books, variants_trading  # noqa: F401 - to import them is to register

    return _ALL
