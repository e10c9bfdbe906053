"""Every recorded payload reads into its struct, and no field of it is unknown to us."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from venues.polymarket import schemas, schemas_data, schemas_gamma, schemas_stream
from venues.polymarket.integrity import book_hash
from venues.polymarket.micro import parse_micro
from venues.polymarket.rejects import error_of
from venues.polymarket.stream_decode import Damaged, MarketDecoder
from venues.transport.http import HttpReply
from venues.wire import Census, Wire, decode, decode_list

SAMPLES = "venues/polymarket/samples"

OBJECTS: dict[str, type[Wire]] = {
    "clob_rest/book_real_2026-10-06_politics_xi_yes.json": schemas.WireBook,
    "clob_rest/ntpy_book.json": schemas.WireBook,
    "clob_rest/clob_markets_real_2026-10-06_politics_xi.json": schemas.ClobMarket,
    "clob_rest/nt_clob_fee_rate_response_nonzero.json": schemas.FeeRateReply,
    "clob_rest/nt_clob_fee_rate_response_zero.json": schemas.FeeRateReply,
    "clob_rest/nt_clob_market_closed_binary_accepting_false.json": schemas.LongMarket,
    "clob_rest/nt_clob_market_closed_binary_accepting_true.json": schemas.LongMarket,
    "clob_rest/ntpy_market.json": schemas.LongMarket,
    "clob_rest/ntpy_markets.json": schemas.LongMarketsPage,
    "clob_rest/nt_http_balance_allowance_collateral.json": schemas.BalanceReply,
    "clob_rest/nt_http_batch_cancel_response.json": schemas.CancelReply,
    "clob_rest/nt_http_cancel_response_failed.json": schemas.CancelReply,
    "clob_rest/nt_http_cancel_response_ok.json": schemas.CancelReply,
    "clob_rest/nt_http_open_order.json": schemas.WireOpenOrder,
    "clob_rest/nt_http_open_orders_page.json": schemas.OrdersPage,
    "clob_rest/nt_http_order_response_failed.json": schemas.PostOrderReply,
    "clob_rest/nt_http_order_response_ok.json": schemas.PostOrderReply,
    "clob_rest/nt_http_order_response_error_500.json": schemas.ErrorReply,
    "clob_rest/nt_http_trade_report.json": schemas.WireTrade,
    "clob_rest/nt_http_trades_page.json": schemas.TradesPage,
    "ws_user/nt_ws_user_trade.json": schemas.WireTrade,
    "ws_user/nt_ws_user_trade_msg.json": schemas.WireTrade,
    "ws_user/ntpy_trades.json": schemas.WireTrade,
    "ws_user/ntpy_user_trade1.json": schemas.WireTrade,
    "ws_user/ntpy_user_trade2.json": schemas.WireTrade,
    "ws_user/ntpy_user_trade3.json": schemas.WireTrade,
    "ws_user/ntpy_user_trade4.json": schemas.WireTrade,
    "ws_user/nt_ws_user_order_cancellation.json": schemas.WireOpenOrder,
    "ws_user/nt_ws_user_order_fok_killed.json": schemas.WireOpenOrder,
    "ws_user/nt_ws_user_order_matched.json": schemas.WireOpenOrder,
    "ws_user/nt_ws_user_order_placement.json": schemas.WireOpenOrder,
    "ws_user/nt_ws_user_order_update.json": schemas.WireOpenOrder,
    "ws_user/nt_ws_user_order_venue_cancel.json": schemas.WireOpenOrder,
    "ws_user/ntpy_order_cancel.json": schemas.WireOpenOrder,
    "ws_user/ntpy_order_placement.json": schemas.WireOpenOrder,
    "gamma/nt_gamma_market.json": schemas_gamma.GammaMarket,
    "gamma/nt_gamma_market_closed_binary_accepting_false.json": schemas_gamma.GammaMarket,
    "gamma/nt_gamma_market_closed_binary_accepting_true.json": schemas_gamma.GammaMarket,
    "gamma/nt_gamma_market_closed_nonbinary_legacy.json": schemas_gamma.GammaMarket,
    "gamma/nt_gamma_market_closed_zero_zero_legacy.json": schemas_gamma.GammaMarket,
    "gamma/nt_gamma_market_sports_market_map_handicap.json": schemas_gamma.GammaMarket,
    "gamma/nt_gamma_market_sports_market_money_line.json": schemas_gamma.GammaMarket,
}
LISTS: dict[str, type[Wire]] = {
    "gamma/events_real_2026-01_nba.json": schemas_gamma.GammaEvent,
    "gamma/event_real_2026-10-06_nfl-tb-dal_TRIMMED.json": schemas_gamma.GammaEvent,
    "gamma/nt_gamma_event.json": schemas_gamma.GammaEvent,
    "gamma/nt_gamma_tags.json": schemas_gamma.GammaTag,
    "clob_rest/ntpy_trades.json": schemas_data.TradeV1,
    "data_api/nt_data_api_positions_response.json": schemas_data.PositionV1,
    "data_api/nt_data_api_trades_response.json": schemas_data.TradeV1,
}
ELSEWHERE = (
    "clob_rest/nt_http_signed_order.json",  # a request of ours, see test_gateway
    "gamma/markets_real_2026-07-24_btc5m.jsonl.gz",
    "gamma/nt_search_response.json",
    "gamma/reward_metadata_2026-08.json",  # an excerpt that lacks most fields of a market
    "onchain/v2_order_filled_logs.json",  # chain logs are not read
    "signing/signing_vectors.json",
    "ws_sports/frames_real_2026.jsonl",
)


@pytest.fixture(scope="module")
def samples(shared: Path) -> Path:
    return shared / SAMPLES


@pytest.mark.parametrize("name", OBJECTS)
def test_every_recorded_object_reads_without_an_unknown_field(samples: Path, name: str) -> None:
    census = Census()
    decode((samples / name).read_bytes(), OBJECTS[name], census)
    assert not census.unknown


@pytest.mark.parametrize("name", LISTS)
def test_every_recorded_list_reads_without_an_unknown_field(samples: Path, name: str) -> None:
    census = Census()
    assert decode_list((samples / name).read_bytes(), LISTS[name], census)
    assert not census.unknown


def test_all_recorded_crypto_markets_read_without_an_unknown_field(samples: Path) -> None:
    census = Census()
    with gzip.open(samples / "gamma/markets_real_2026-07-24_btc5m.jsonl.gz") as lines:
        for line in lines:
            decode(msgspec.json.encode(json.loads(line)["raw"]), schemas_gamma.GammaMarket, census)
    assert not census.unknown


def test_search_results_hold_readable_events(samples: Path) -> None:
    census = Census()
    events = json.loads((samples / "gamma/nt_search_response.json").read_text())["events"]
    assert [decode(msgspec.json.encode(event), schemas_gamma.GammaEvent, census).id for event in events]
    assert not census.unknown


def test_every_recorded_market_frame_reads_without_an_unknown_field(samples: Path) -> None:
    frames = sorted((samples / "ws_market").iterdir())
    assert len(frames) == 13
    for path in frames:
        decoder = MarketDecoder()
        decoder.examine(frame := path.read_bytes())
        assert not any(isinstance(each, Damaged) for each in decoder.salvaged(frame)), path.name
        assert not decoder.census.unknown and not decoder.counts, path.name


def test_the_recorded_sports_frames_read_without_an_unknown_field(samples: Path) -> None:
    census = Census()
    lines = (samples / "ws_sports/frames_real_2026.jsonl").read_bytes().splitlines()
    games = [decode(line, schemas_stream.SportsFrame, census) for line in lines]
    assert [game.game_id for game in games] == [90106111, 1590176]
    assert not census.unknown


def test_no_capture_is_left_out(samples: Path) -> None:
    known = {*OBJECTS, *LISTS, *ELSEWHERE}
    files = {str(path.relative_to(samples)) for path in samples.rglob("*") if path.is_file()}
    left = {name for name in files - known if not name.startswith(("ws_market/", "SOURCES"))}
    assert not left


def test_the_recorded_book_hash_recomputes(samples: Path) -> None:
    raw = (samples / "clob_rest/book_real_2026-10-06_politics_xi_yes.json").read_bytes()
    book = decode(raw, schemas.WireBook, Census())
    assert book_hash(book) == book.hash == "6bd013d5f211e2eaecf60fbf357b1f936422049f"
    best_bid, best_ask = parse_micro(book.bids[-1].price), parse_micro(book.asks[-1].price)
    assert best_bid == max(parse_micro(level.price) for level in book.bids) < best_ask
    tampered = msgspec.structs.replace(book, bids=book.bids[1:])
    assert book_hash(tampered) != book.hash


def test_the_published_hash_vector_recomputes() -> None:
    book = schemas.WireBook(
        market="0xaabbcc",
        asset_id="100",
        timestamp="123456789",
        bids=[schemas.WireLevel("0.3", "100"), schemas.WireLevel("0.4", "100")],
        asks=[schemas.WireLevel("0.6", "100"), schemas.WireLevel("0.7", "100")],
        min_order_size="100",
        tick_size="0.01",
        neg_risk=False,
        last_trade_price="0.5",
    )
    assert book_hash(book) == "0458ea5755c9f73d64a14636fa5c36ed460ec394"


def test_an_error_body_gives_its_text(samples: Path) -> None:
    body = (samples / "clob_rest/nt_http_order_response_error_500.json").read_bytes()
    assert error_of(HttpReply(500, {}, body, 1)).text == "Internal server error"
