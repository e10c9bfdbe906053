"""Book hashes against a recorded book and the SDK's published vector; mirroring of the two tokens' books."""

from __future__ import annotations

from pathlib import Path

import msgspec

from venues.simulator.polymarket_book import WireBook, WireLevel, wire_sides, with_hash
from venues.types import Outcome

REAL_BOOK = "venues/polymarket/samples/clob_rest/book_real_2026-10-06_politics_xi_yes.json"


def test_the_hash_of_a_recorded_book_recomputes(shared: Path) -> None:
    book = msgspec.json.decode((shared / REAL_BOOK).read_bytes(), type=WireBook)
    assert with_hash(book).hash == book.hash


def test_the_hash_of_the_published_vector_recomputes() -> None:
    book = WireBook(
        market="0xaabbcc",
        asset_id="100",
        timestamp="123456789",
        bids=[WireLevel("0.3", "100"), WireLevel("0.4", "100")],
        asks=[WireLevel("0.6", "100"), WireLevel("0.7", "100")],
        min_order_size="100",
        neg_risk=False,
        tick_size="0.01",
        last_trade_price="0.5",
    )
    assert with_hash(book).hash == "0458ea5755c9f73d64a14636fa5c36ed460ec394"


def test_best_levels_come_last_and_the_no_book_is_the_mirror() -> None:
    bids, asks = [(400_000, 5_000_000), (390_000, 7_500_000)], [(410_000, 1_000_000), (450_000, 2_000_000)]
    yes_bids, yes_asks = wire_sides(bids, asks, Outcome.YES)
    no_bids, no_asks = wire_sides(bids, asks, Outcome.NO)
    assert [each.price for each in yes_bids] == ["0.39", "0.4"]
    assert [each.price for each in yes_asks] == ["0.45", "0.41"]
    assert [(each.price, each.size) for each in no_bids] == [("0.55", "2"), ("0.59", "1")]
    assert [(each.price, each.size) for each in no_asks] == [("0.61", "7.5"), ("0.6", "5")]
