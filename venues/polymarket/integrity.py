"""Is our book the venue's book? There are no sequence numbers, so we have two proofs: the SHA-1 and the best prices.

The hash is SHA-1 over the compact JSON of the book with an empty `hash`, keys and levels in the order they are sent
(recomputed on a recorded book of 2026-10-06). Whether older frames hash the same fields is not known, so a recipe is
believed on a connection only after it came out right once: before that a mismatch proves nothing. Source: FACTS §2.3.
"""

from __future__ import annotations

import hashlib

import msgspec

from venues.book import Book
from venues.polymarket.micro import decimal_text
from venues.polymarket.schemas import WireBook, WireLevel
from venues.polymarket.schemas_stream import BookFrame


class HashProof:
    """Counts the outcomes of one recipe on one connection and says when a mismatch counts."""

    __slots__ = ("matches", "mismatches")

    def __init__(self) -> None:
        self.matches = 0
        self.mismatches = 0

    def refutes(self, book: WireBook, stated: str) -> bool:
        """True when the hash is wrong although the recipe has been right before."""
        if book_hash(book) == stated:
            self.matches += 1
            return False
        self.mismatches += 1
        return self.matches > 0


def book_hash(book: WireBook) -> str:
    """40 hex digits over the book as it is, its own `hash` left out."""
    return hashlib.sha1(msgspec.json.encode(msgspec.structs.replace(book, hash="")), usedforsecurity=False).hexdigest()


def hashed_part(frame: BookFrame) -> WireBook:
    """The book inside a socket frame, without the frame's tag."""
    return WireBook(**{name: getattr(frame, name) for name in WireBook.__struct_fields__})


def has_all_hashed_fields(frame: BookFrame) -> bool:
    return bool(frame.hash) and msgspec.UNSET not in (frame.min_order_size, frame.tick_size, frame.last_trade_price)


def wire_of(book: Book, terms: WireBook, timestamp: str) -> WireBook:
    """Our book in the venue's words: the terms of its last snapshot, our levels, worst first."""
    return msgspec.structs.replace(
        terms,
        timestamp=timestamp,
        bids=_wire_levels(book.levels(True)),
        asks=_wire_levels(book.levels(False)),
    )


def _wire_levels(best_first: list[tuple[int, int]]) -> list[WireLevel]:
    return [WireLevel(decimal_text(price_u), decimal_text(qty_u)) for price_u, qty_u in reversed(best_first)]
