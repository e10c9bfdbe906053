"""Listings: kinds, states, results, fees, starts and quotes, by recorded and by hostile data."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.venues.kalshi.conftest import load
from venues.errors import ProtocolError
from venues.kalshi.numbers import time_ms
from venues.kalshi.parse import (
    market_kind,
    market_rates,
    market_state,
    parse_book,
    parse_market,
    parse_quote,
    parse_trade,
    team_names,
    ticker_start_ms,
)
from venues.kalshi.schemas import WireBook, WireEvent, WireMarket, WirePriceRange, WireSeries, WireTrade
from venues.kalshi.values import Quote, Routing
from venues.types import MarketKind, MarketState, Outcome, PriceBand, Side, VenueMarket

EVENT = WireEvent(event_ticker="KXMLBGAME-26AUG092020HOUSD", series_ticker="KXMLBGAME", title="Houston vs San Diego")
SERIES = WireSeries(ticker="KXMLBGAME", fee_type="quadratic_with_maker_fees", fee_multiplier=Decimal("0.5"))
MARKET = WireMarket(
    ticker="KXMLBGAME-26AUG092020HOUSD-HOU",
    event_ticker=EVENT.event_ticker,
    status="active",
    yes_sub_title="Houston",
    price_ranges=[WirePriceRange("0.0000", "1.0000", "0.0100")],
    exchange_index=3,
    occurrence_datetime="2026-08-10T03:20:00Z",
    close_time="2026-08-13T00:20:00Z",
    rules_primary="If Houston wins …",
    rules_secondary="If postponed …",
)


def read(market: WireMarket = MARKET, event: WireEvent = EVENT, start_ms: int | None = None) -> VenueMarket:
    return parse_market(market, event=event, series=SERIES, league="mlb", now_ms=0, start_ms=start_ms)


def changed(**values: object) -> WireMarket:
    return msgspec.structs.replace(MARKET, **values)


def test_a_game_market_has_everything_the_trader_needs() -> None:
    market = read()
    assert (market.kind, market.state) == (MarketKind.MONEYLINE, MarketState.OPEN)
    assert market.team_names == ("Houston", "San Diego")
    assert (market.yes_team_code, market.yes_label, market.no_label) == ("HOU", "Houston", "not Houston")
    assert market.bands == (PriceBand(0, 1_000_000, 10_000),)
    assert (market.fees.taker_rate_u, market.fees.maker_rate_u) == (35_000, 8_750)
    assert Routing.of(market.routing) == Routing(shard=3, series="KXMLBGAME")
    assert market.game_start_ms == time_ms("2026-08-10T00:20:00Z")
    assert market.rules == "If Houston wins …\n\nIf postponed …"
    assert market.result is market.settlement_value_u is None


def test_the_start_is_the_milestones_then_three_hours_before_the_occurrence_then_the_tickers() -> None:
    assert read(start_ms=5).game_start_ms == 5
    assert read().game_start_ms == time_ms("2026-08-10T00:20:00Z")
    assert read(changed(occurrence_datetime=None)).game_start_ms == time_ms("2026-08-10T00:20:00Z")
    bare = msgspec.structs.replace(EVENT, event_ticker="KXMLBGAME-26AUG09HOUSD")
    no_time = changed(occurrence_datetime=None, event_ticker=bare.event_ticker)
    assert read(no_time, bare).game_start_ms is None


def test_the_tickers_start_agrees_with_the_occurrence_in_every_recorded_baseball_game(cockpit: Path) -> None:
    rows = [row for row in load(cockpit / "markets_settled.json")["markets"] if row["ticker"].startswith("KXMLBGAME")]
    assert len(rows) == 20
    for row in rows:
        assert ticker_start_ms(row["event_ticker"]) == time_ms(row["occurrence_datetime"]) - 3 * 3_600_000


@pytest.mark.parametrize(
    "ticker", ["KXNFLGAME-26SEP14DENKC", "KXX-26XXX092020AB", "KXX-26AUG092560AB", "KXX", "KXX-26AUG0920201AB"]
)
def test_a_ticker_without_a_time_gives_none(ticker: str) -> None:
    assert ticker_start_ms(ticker) is None


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        ("KXNBAGAME", MarketKind.MONEYLINE),
        ("KXATPMATCH", MarketKind.MONEYLINE),
        ("KXUFCFIGHT", MarketKind.MONEYLINE),
        ("KXMLBSPREAD", MarketKind.SPREAD),
        ("KXMLBTOTAL", MarketKind.TOTAL),
        ("KXMLBTEAMTOTAL", MarketKind.OTHER),
        ("KXWNBA1HTOTAL", MarketKind.OTHER),
        ("KXLEAGUESCUP1HSPREAD", MarketKind.OTHER),
        ("KXMLBF5TOTAL", MarketKind.OTHER),
        ("KXWNBA1HWINNER", MarketKind.OTHER),
        ("KXMLBKS", MarketKind.OTHER),
        ("KXNBA", MarketKind.OTHER),
    ],
)
def test_a_series_name_tells_what_is_asked(series: str, kind: MarketKind) -> None:
    assert market_kind(series) is kind


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("initialized", MarketState.UNOPENED),
        ("active", MarketState.OPEN),
        ("inactive", MarketState.PAUSED),
        ("closed", MarketState.CLOSED),
        ("determined", MarketState.DETERMINED),
        ("disputed", MarketState.DETERMINED),
        ("amended", MarketState.DETERMINED),
        ("finalized", MarketState.SETTLED),
    ],
)
def test_every_status_has_a_state(status: str, state: MarketState) -> None:
    assert market_state(status) is state


@pytest.mark.parametrize(
    "values",
    [
        {"status": "paused"},
        {"result": "void"},
        {"price_ranges": []},
        {"price_ranges": [WirePriceRange("0", "1", "0")]},
        {"price_ranges": [WirePriceRange("0", "NaN", "0.01")]},
        {"result": "yes", "settlement_value_dollars": "0.5000"},
        {"result": "no", "settlement_value_dollars": "1.0000"},
        {"close_time": "late"},
    ],
)
def test_a_market_nobody_understands_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        read(changed(**values))


@pytest.mark.parametrize(
    ("result", "value", "outcome", "value_u"),
    [
        ("yes", "1.0000", Outcome.YES, 1_000_000),
        ("no", "0.0000", Outcome.NO, 0),
        ("yes", None, Outcome.YES, 1_000_000),
        ("scalar", "0.4321", None, 432_100),
        ("", None, None, None),
    ],
)
def test_results_and_fair_prices(result: str, value: str | None, outcome: Outcome | None, value_u: int | None) -> None:
    market = read(changed(result=result, settlement_value_dollars=value, status="finalized"))
    assert (market.result, market.settlement_value_u) == (outcome, value_u)


def test_an_events_override_replaces_the_series_fee() -> None:
    event = msgspec.structs.replace(EVENT, fee_type_override="quadratic", fee_multiplier_override=Decimal(2))
    rates = market_rates(MARKET, event=event, series=SERIES, now_ms=0)
    assert (rates.taker_rate_u, rates.maker_rate_u) == (140_000, 0)


def test_a_fee_waiver_counts_until_shortly_before_its_end() -> None:
    waived = changed(fee_waiver_expiration_time="2026-08-10T00:00:00Z")
    end_ms = time_ms("2026-08-10T00:00:00Z")
    before = market_rates(waived, event=EVENT, series=SERIES, now_ms=end_ms - 3_600_000)
    shortly = market_rates(waived, event=EVENT, series=SERIES, now_ms=end_ms - 60_000)
    assert (before.taker_rate_u, shortly.taker_rate_u) == (0, 35_000)


@pytest.mark.parametrize(
    ("bid", "ask", "sizes", "quote"),
    [
        ("0.5500", "0.5600", ("10.00", "20.00"), Quote(550_000, 10_000_000, 560_000, 20_000_000, None)),
        ("0.0000", "0.0000", ("0.00", "0.00"), Quote(None, 0, None, 0, None)),
        ("0.0000", "1.0000", ("0.00", "0.00"), Quote(None, 0, None, 0, None)),
        ("0.0000", "0.0100", ("0.00", "861265.22"), Quote(None, 0, 10_000, 861_265_220_000, None)),
    ],
)
def test_both_encodings_of_an_empty_side_are_no_quote(bid: str, ask: str, sizes: tuple[str, str], quote: Quote) -> None:
    market = changed(yes_bid_dollars=bid, yes_ask_dollars=ask, yes_bid_size_fp=sizes[0], yes_ask_size_fp=sizes[1])
    assert parse_quote(market) == quote


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Houston vs San Diego", ("Houston", "San Diego")),
        ("Houston at Sacramento", ("Houston", "Sacramento")),
        ("Atlanta vs New York Y: Strikeouts", ("Atlanta", "New York Y")),
        ("2027 Pro Basketball Finals", ()),
        ("", ()),
    ],
)
def test_an_event_title_names_both_teams(title: str, names: tuple[str, ...]) -> None:
    assert team_names(title) == names


def test_no_bids_become_yes_asks() -> None:
    book = parse_book("T", WireBook([("0.8900", "343.49")], [("0.0500", "1.00"), ("0.0600", "641.00")]), venue_ms=9)
    assert book.bids == ((890_000, 343_490_000),)
    assert book.asks == ((950_000, 1_000_000), (940_000, 641_000_000))


@pytest.mark.parametrize("book", [WireBook(), WireBook([], None)])
def test_an_absent_side_is_an_empty_one(book: WireBook) -> None:
    assert parse_book("T", book, venue_ms=0).bids == ()


@pytest.mark.parametrize(
    "level", [("1.0000", "1.00"), ("0.0000", "1.00"), ("0.50", "-1.00"), ("NaN", "1"), ("0.5", "x")]
)
def test_an_impossible_level_is_refused(level: tuple[str, str]) -> None:
    with pytest.raises(ProtocolError):
        parse_book("T", WireBook([level]), venue_ms=0)


def test_a_trade_tells_which_way_the_taker_went() -> None:
    row = WireTrade("t1", "T", "2.50", "0.3000", "ask", "2026-06-15T15:48:42.609997Z")
    trade = parse_trade(row)
    assert (trade.taker_side, trade.price_u, trade.qty_u) == (Side.SELL, 300_000, 2_500_000)
    with pytest.raises(ProtocolError):
        parse_trade(msgspec.structs.replace(row, taker_book_side="both"))


def test_a_partial_listing_of_the_new_season_reads_with_a_state_added(samples: Path) -> None:
    body = load(samples / "retyped" / "markets_nba_game_KXNBAGAME-26OCT20OKCSAS.partial.json")
    event = WireEvent(event_ticker=body["event_ticker"], series_ticker="KXNBAGAME")
    ranges = [{"start": "0", "end": "1", "step": "0.01"}]
    for row in body["markets"]:
        wire = msgspec.convert({**row, "status": "active", "price_ranges": ranges}, WireMarket)
        market = parse_market(wire, event=event, series=SERIES, league="nba", now_ms=0)
        assert market.game_start_ms == time_ms("2026-10-20T21:30:00-04:00")
        assert market.yes_team_code in ("OKC", "SAS")
