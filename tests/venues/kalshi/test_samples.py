"""Every recorded reply reads with nothing lost silently: each field is used, known to be unused, or counted here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.venues.kalshi.conftest import load
from venues.kalshi import schemas, schemas_portfolio, schemas_replies
from venues.kalshi.frames import FrameReader, lines_of
from venues.kalshi.parse import (
    market_kind,
    parse_book,
    parse_candle,
    parse_market,
    parse_quote,
    parse_trade,
)
from venues.kalshi.parse_account import parse_balance, parse_fill, parse_order, parse_position
from venues.kalshi.refusals import read_refusal
from venues.kalshi.schemas import WireEvent, WireMarket, WireSeries
from venues.wire import Census, Wire, decode

SERIES = b'{"ticker": "%s", "fee_type": "quadratic_with_maker_fees", "fee_multiplier": 1}'

DEMO_REPLIES: dict[str, type[Wire]] = {
    "account__endpoint_costs": schemas.WireEndpointCosts,
    "account__limits": schemas.WireLimits,
    "auth__balance_alt_host": schemas_portfolio.BalanceReply,
    "auth__balance_ok": schemas_portfolio.BalanceReply,
    "auth__skew_minus5s": schemas_portfolio.BalanceReply,
    "auth__skew_plus5s": schemas_portfolio.BalanceReply,
    "cleanup__stp_resting": schemas_portfolio.CancelReply,
    "exchange__status": schemas.WireExchangeStatus,
    "fills__after_taker": schemas_portfolio.FillsReply,
    "markets__garbage_cursor": schemas_replies.MarketsReply,
    "markets__high_temp": schemas_replies.MarketsReply,
    "markets__page1": schemas_replies.MarketsReply,
    "markets__page2": schemas_replies.MarketsReply,
    "markets__page3": schemas_replies.MarketsReply,
    "markets__single": schemas_replies.MarketReply,
    "markets__single_filter_lastpage": schemas_replies.MarketsReply,
    "markets__status_closed": schemas_replies.MarketsReply,
    "markets__status_open": schemas_replies.MarketsReply,
    "markets__status_settled": schemas_replies.MarketsReply,
    "markets__unauth_list": schemas_replies.MarketsReply,
    "markets__unauth_single": schemas_replies.MarketReply,
    "orderbook__base": schemas_replies.BookReply,
    "orders__cancel_v2": schemas_portfolio.CancelReply,
    "orders__create_v2_maker": schemas_portfolio.CreateReply,
    "orders__create_v2_taker_ioc": schemas_portfolio.CreateReply,
    "orders__get_after_cancel": schemas_portfolio.OrderReply,
    "orders__get_after_create": schemas_portfolio.OrderReply,
    "orders__legacy_cancel": schemas_portfolio.OrderReply,
    "orders__legacy_create": schemas_portfolio.OrderReply,
    "orders__settlement_seed": schemas_portfolio.CreateReply,
    "orders__stp_resting_after": schemas_portfolio.OrderReply,
    "orders__stp_self_cross": schemas_portfolio.CreateReply,
    "orders__stp_setup": schemas_portfolio.CreateReply,
    "portfolio__orders_list": schemas_portfolio.OrdersReply,
    "portfolio__positions": schemas_portfolio.PositionsReply,
    "series__fee_changes": schemas_replies.SeriesFeeChangesReply,
    "settlements__end_of_session": schemas_portfolio.SettlementsReply,
    "settlements__page": schemas_portfolio.SettlementsReply,
    "trades__public_recorded": schemas_replies.TradesReply,
}
NO_REPLIES = {
    "kalshi-cockpit/sports_coverage.json": "names and counts, gathered by who captured them",
    "kalshi-cockpit/occurrence_datetime_probe.json": "times picked out of other captures, see test_parse",
}
"""What lies among the captures and was never sent by the venue."""
V1_CANCEL_ONLY = {"OrderReply.reduced_by", "OrderReply.reduced_by_fp"}
"""The dead V1 cancel told how much it took off beside the order; V2 has a reply of its own for that."""


def _is_refusal(path: Path) -> bool:
    meta = path.with_name(path.name.replace(".json", ".meta.json"))
    return meta.exists() and load(meta).get("status", 200) >= 400


def test_every_demo_reply_reads_and_every_field_is_known(demo: Path) -> None:
    census = Census()
    unread: list[str] = []
    for path in sorted(demo.glob("*.json")):
        name = path.stem
        if name.endswith(".meta") or _is_refusal(path):
            continue
        if name in DEMO_REPLIES:
            decode(path.read_bytes(), DEMO_REPLIES[name], census)
        else:
            unread.append(name)
    assert unread == []
    assert set(census.unknown) <= V1_CANCEL_ONLY, census.unknown


def test_every_demo_refusal_has_a_code_or_words(demo: Path) -> None:
    refusals = [path for path in sorted(demo.glob("*.json")) if ".meta" not in path.name and _is_refusal(path)]
    assert len(refusals) >= 15
    for path in refusals:
        refusal = read_refusal(400, path.read_bytes())
        assert refusal.code or refusal.message.startswith("Parameter validation failed"), path.name


def _market_rows(value: Any) -> list[dict[str, Any]]:
    """Every market object anywhere in a capture."""
    if isinstance(value, list):
        return [row for item in value for row in _market_rows(item)]
    if not isinstance(value, dict):
        return []
    if {"ticker", "event_ticker", "status", "price_ranges"} <= value.keys():
        return [value]
    return [row for item in value.values() for row in _market_rows(item)]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("events_sports_nested", 245),
        ("events_nfl_preseason", 64),
        ("events_mlb_props_nested", 259),
        ("markets_settled", 44),
        ("market_single", 2),
    ],
)
def test_every_recorded_market_becomes_a_venue_market(cockpit: Path, name: str, count: int) -> None:
    rows, census = _market_rows(load(cockpit / f"{name}.json")), Census()
    assert len(rows) == count
    for row in rows:
        market = decode(json.dumps(row).encode(), WireMarket, census)
        series = market.ticker.partition("-")[0]
        event = WireEvent(event_ticker=market.event_ticker, series_ticker=series, title="A vs B")
        terms = decode(SERIES % series.encode(), WireSeries, census)
        parsed = parse_market(market, event=event, series=terms, league="mlb", now_ms=0)
        assert parsed.market_id == f"kalshi:{market.ticker}"
        assert parsed.kind is market_kind(series)
        assert parsed.bands
        quote = parse_quote(market)
        assert quote.bid_u is None or quote.ask_u is None or quote.bid_u < quote.ask_u
    assert dict(census.unknown) == {}


def test_every_recorded_event_reads(cockpit: Path, samples: Path) -> None:
    census = Census()
    rows = list(load(cockpit / "events_sports_nested.json"))
    rows += load(cockpit / "events_nfl_preseason.json")["events"]
    rows += load(samples / "steffenmax" / "kalshi_nba_events_2026-01-11.json")["events"]
    events = [decode(json.dumps(row).encode(), WireEvent, census) for row in rows]
    assert all(event.event_ticker.startswith(event.series_ticker) for event in events)
    assert dict(census.unknown) == {}


def test_every_recorded_series_reads_with_its_fee(cockpit: Path) -> None:
    census = Census()
    payloads = load(cockpit / "series_fee_fields.json")["payloads"]
    found = {
        ticker: decode(json.dumps(payload).encode(), schemas_replies.SeriesReply, census).series
        for ticker, payload in payloads.items()
    }
    assert {ticker: (one.fee_type, str(one.fee_multiplier)) for ticker, one in found.items()} == {
        "KXMLBGAME": ("quadratic_with_maker_fees", "0.5"),
        "KXMLBSPREAD": ("quadratic", "0.5"),
        "KXATPDOUBLES": ("quadratic", "1"),
        "KXWNBAGAME": ("quadratic_with_maker_fees", "1"),
    }
    assert dict(census.unknown) == {}


def _candles(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [row for item in value for row in _candles(item)]
    if not isinstance(value, dict):
        return []
    if "end_period_ts" in value:
        return [value]
    return [row for item in value.values() for row in _candles(item)]


@pytest.mark.parametrize("name", ["candlesticks_mlb", "candlesticks_pregame_mlb"])
def test_every_recorded_candle_reads(cockpit: Path, name: str) -> None:
    census = Census()
    rows = _candles(load(cockpit / f"{name}.json"))
    assert len(rows) > 20
    for row in rows:
        candle = parse_candle(decode(json.dumps(row).encode(), schemas.WireCandle, census))
        assert candle.ask.close_u is not None
        assert candle.volume_u >= 0
    assert dict(census.unknown) == {}


def test_recorded_books_keep_every_level_and_do_not_cross(samples: Path, cockpit: Path) -> None:
    census = Census()
    bodies = [load(path)["response"] for path in sorted((samples / "johnsnow92").glob("*.json"))]
    bodies.append(load(cockpit / "market_single.json")["orderbook"])
    for body in bodies:
        raw = body["orderbook_fp"]
        reply = decode(json.dumps(body).encode(), schemas_replies.BookReply, census)
        assert reply.orderbook_fp is not None
        book = parse_book("T", reply.orderbook_fp, venue_ms=0)
        assert (len(book.bids), len(book.asks)) == (len(raw["yes_dollars"]), len(raw["no_dollars"]))
        if book.bids and book.asks:
            assert max(book.bids)[0] < min(book.asks)[0]
    assert dict(census.unknown) == {}


def test_the_recorded_account_reads_as_reports(demo: Path) -> None:
    census = Census()
    fills = decode((demo / "fills__after_taker.json").read_bytes(), schemas_portfolio.FillsReply, census)
    taker = parse_fill(fills.fills[0], account="demo")
    assert (taker.price_u, taker.qty_u, taker.fee_u, taker.leg) == (520_000, 1_000_000, 17_500, "taker")
    orders = decode((demo / "portfolio__orders_list.json").read_bytes(), schemas_portfolio.OrdersReply, census)
    states = [parse_order(order, account="demo").state for order in orders.orders]
    assert set(states) <= {"resting", "filled", "canceled"}
    positions = decode((demo / "portfolio__positions.json").read_bytes(), schemas_portfolio.PositionsReply, census)
    assert parse_position(positions.market_positions[0], account="demo").yes_qty_u == 3_000_000
    balance = decode((demo / "auth__balance_ok.json").read_bytes(), schemas_portfolio.BalanceReply, census)
    report = parse_balance(balance, account="demo", held_u=0)
    assert (report.available_u, report.by_shard) == (98_018_600, ((0, 98_018_600),))


def test_recorded_public_trades_read(demo: Path) -> None:
    reply = decode((demo / "trades__public_recorded.json").read_bytes(), schemas_replies.TradesReply, Census())
    trades = [parse_trade(trade) for trade in reply.trades]
    assert trades[0].qty_u == 7_770_000
    assert all(0 < trade.price_u < 1_000_000 for trade in trades)


def test_retyped_create_replies_read(samples: Path) -> None:
    census = Census()
    body = load(samples / "retyped" / "create_order_responses_2026-08-23.json")
    for name in ("ioc_unfilled_201", "ioc_filled_201", "gtc_resting_201"):
        decode(json.dumps(body[name]).encode(), schemas_portfolio.CreateReply, census)
    decode(json.dumps(body["cancel_200"]).encode(), schemas_portfolio.CancelReply, census)
    assert dict(census.unknown) == {}


def test_every_recorded_frame_reads(cockpit: Path, demo: Path) -> None:
    reader = FrameReader()
    lines = [json.dumps(row["frame"]) for row in load(cockpit / "ws_orderbook_stream.json")["frames"]]
    lines += [str(line) for line in lines_of((demo / "ws__orderbook_trade_yes.jsonl").read_text())]
    assert len(lines) == 269 + 5
    for line in lines:
        reader.read(line)
    assert not reader.unknown_types
    assert dict(reader.census.unknown) == {}


def test_every_recorded_price_grid_is_read(cockpit: Path) -> None:
    grids, census = load(cockpit / "price_grids.json")["grids"], Census()
    assert grids
    for grid in grids:
        raw = {"ticker": "T", "event_ticker": "E", "status": "active", "price_ranges": grid["price_ranges"]}
        market = decode(json.dumps(raw).encode(), WireMarket, census)
        assert [(str(one.start), str(one.end), str(one.step)) for one in market.price_ranges] == [
            (one["start"], one["end"], one["step"]) for one in grid["price_ranges"]
        ]
    assert dict(census.unknown) == {}


def test_no_capture_is_left_out(samples: Path) -> None:
    """Each file is one of the demo's replies or named in a test; a capture that comes later has to find its reader."""
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    left = [
        str(path.relative_to(samples))
        for path in samples.rglob("*")
        if path.is_file()
        and path.suffix not in (".md", ".csv")  # candles of a person's own making
        and not path.parent.name.startswith("fortuna-demo")
        and path.parent.name != "johnsnow92"
        and not {path.stem, path.name} & set(re.findall(r"[\w.-]+", tests))
        and str(path.relative_to(samples)) not in NO_REPLIES
    ]
    assert left == []
