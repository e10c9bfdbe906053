"""Wire structs of public data to the common vocabulary: markets, quotes, books, trades, candles.

A state, a direction or a number that we do not understand raises ProtocolError; a word that only describes (strike
type, competition, price structure) may be anything. Kalshi never says when a game starts except in a milestone: the
start is the milestone's, else three hours before `occurrence_datetime` (27 of 27 recorded games), else the Eastern
time in the ticker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from venues.eastern import eastern_ms
from venues.errors import ProtocolError
from venues.kalshi.fees import NO_FEES, FeeRates
from venues.kalshi.numbers import amount_u, price_u, time_ms
from venues.kalshi.schemas import Level, WireBook, WireCandle, WireEvent, WireMarket, WireOhlc, WireSeries, WireTrade
from venues.kalshi.values import Candle, Ohlc, Quote, Routing
from venues.types import (
    MICRO,
    BookSnapshot,
    MarketKind,
    MarketState,
    Outcome,
    PriceBand,
    PublicTrade,
    Side,
    Venue,
    VenueMarket,
)

_STATES = {
    "initialized": MarketState.UNOPENED,
    "active": MarketState.OPEN,
    "inactive": MarketState.PAUSED,
    "closed": MarketState.CLOSED,
    "determined": MarketState.DETERMINED,
    "disputed": MarketState.DETERMINED,
    "amended": MarketState.DETERMINED,
    "finalized": MarketState.SETTLED,
}
_SIDES = {"bid": Side.BUY, "ask": Side.SELL}
_RESULTS = {"": None, "yes": Outcome.YES, "no": Outcome.NO, "scalar": None}
_KINDS = (
    (re.compile(r"KX(?!.*[1-4][HQ]).*(GAME|MATCH|FIGHT)"), MarketKind.MONEYLINE),
    (re.compile(r"KX(?!.*([1-4][HQ]|F5)).*SPREAD"), MarketKind.SPREAD),
    (re.compile(r"KX(?!.*([1-4][HQ]|F5|TEAM)).*TOTAL"), MarketKind.TOTAL),
)
_TICKER_START = re.compile(r"[^-]+-(\d{2}[A-Z]{3}\d{2}\d{4})(?!\d)")
_GAME_MS = 3 * 3_600_000
_WAIVER_MARGIN_MS = 10 * 60_000
_TITLE_SPLIT = re.compile(r" (?:vs\.?|at|@) ")


def market_id(ticker: str) -> str:
    """Our id of a Kalshi market."""
    return f"{Venue.KALSHI}:{ticker}"


def parse_market(
    market: WireMarket,
    *,
    event: WireEvent,
    series: WireSeries,
    league: str,
    now_ms: int,
    start_ms: int | None = None,
) -> VenueMarket:
    """One market with the terms of its event and series. `start_ms`: the milestone's start. Raises ProtocolError."""
    kind = market_kind(event.series_ticker)
    return VenueMarket(
        market_id=market_id(market.ticker),
        venue=Venue.KALSHI,
        native_id=market.ticker,
        event_id=event.event_ticker,
        kind=kind,
        league=league,
        title=event.title or market.title,
        yes_label=market.yes_sub_title or market.title,
        no_label=f"not {market.yes_sub_title or market.title}",
        team_names=team_names(event.title),
        yes_team_code=team_code(market.ticker, event.event_ticker),
        state=market_state(market.status),
        bands=price_bands(market),
        fees=market_rates(market, event=event, series=series, now_ms=now_ms).schedule(),
        game_start_ms=start_ms if start_ms is not None else game_start_ms(market, kind),
        close_ms=time_ms(market.close_time) if market.close_time else None,
        result=market_result(market.result),
        settlement_value_u=settlement_value_u(market.result, market.settlement_value_dollars),
        rules="\n\n".join(text for text in (market.rules_primary, market.rules_secondary) if text),
        routing=Routing(shard=market.exchange_index, series=event.series_ticker).to_text(),
    )


def market_kind(series_ticker: str) -> MarketKind:
    """What a series asks, by its name; period and team markets are OTHER."""
    for pattern, kind in _KINDS:
        if pattern.fullmatch(series_ticker):
            return kind
    return MarketKind.OTHER


def market_state(status: str) -> MarketState:
    """Raises ProtocolError for a status nobody has described: it may mean that trading is over."""
    state = _STATES.get(status)
    if state is None:
        raise ProtocolError(f"market status {status!r} is unknown", code="unknown_state")
    return state


def market_result(result: str) -> Outcome | None:
    """YES or NO; None without a result and for a scalar settlement. Raises ProtocolError."""
    if result not in _RESULTS:
        raise ProtocolError(f"market result {result!r} is unknown", code="unknown_state")
    return _RESULTS[result]


def settlement_value_u(result: str, value_dollars: str | None) -> int | None:
    """What one YES contract pays, µUSD; None before the result. Raises ProtocolError when the two contradict."""
    if result == "":
        return None
    value_u = price_u(value_dollars) if value_dollars else {"yes": MICRO, "no": 0}.get(result)
    if (result == "yes" and value_u != MICRO) or (result == "no" and value_u != 0):
        raise ProtocolError(f"result {result!r} with a settlement value of {value_dollars!r}", code="bad_number")
    return value_u


def price_bands(market: WireMarket) -> tuple[PriceBand, ...]:
    """The price grid. `price_level_structure` is only a label. Raises ProtocolError for a market without a grid."""
    bands = tuple(PriceBand(price_u(band.start), price_u(band.end), price_u(band.step)) for band in market.price_ranges)
    if not bands or any(band.step_u <= 0 or band.start_u >= band.end_u for band in bands):
        raise ProtocolError(f"{market.ticker} has no usable price grid", code="bad_number")
    return bands


def market_rates(market: WireMarket, *, event: WireEvent, series: WireSeries, now_ms: int) -> FeeRates:
    """The fee of a market: free while waived, else the event's override (type and multiplier), else the series'.

    A waiver that ends within ten minutes counts as over, so that the estimate is never below the charge.
    """
    waiver = market.fee_waiver_expiration_time
    if waiver and time_ms(waiver) > now_ms + _WAIVER_MARGIN_MS:
        return NO_FEES
    fee_type = event.fee_type_override or series.fee_type
    override = event.fee_multiplier_override
    return FeeRates.of(fee_type, series.fee_multiplier if override is None else override)


def game_start_ms(market: WireMarket, kind: MarketKind) -> int | None:
    """The scheduled start as far as a market tells it: see the module's story."""
    if kind is MarketKind.MONEYLINE and market.occurrence_datetime:
        return time_ms(market.occurrence_datetime) - _GAME_MS
    from_ticker = ticker_start_ms(market.event_ticker)
    if from_ticker is None and market.occurrence_datetime:
        return time_ms(market.occurrence_datetime) - _GAME_MS
    return from_ticker


def ticker_start_ms(event_ticker: str) -> int | None:
    """The start in an event ticker with a time (baseball: `…-26AUG092020HOUSD`, Eastern), else None."""
    match = _TICKER_START.match(event_ticker)
    if match is None:
        return None
    try:
        local = datetime.strptime(match[1].title(), "%y%b%d%H%M")  # noqa: DTZ007 - eastern_ms knows the zone
    except ValueError:
        return None
    return eastern_ms(local.date(), hour=local.hour, minute=local.minute)


def team_code(ticker: str, event_ticker: str) -> str:
    """The venue's code of the team a market is on: what follows the event's ticker (`TIE` for a draw)."""
    prefix = event_ticker + "-"
    return ticker.removeprefix(prefix) if ticker.startswith(prefix) else ""


def team_names(title: str) -> tuple[str, ...]:
    """Both names in an event title (`Houston vs San Diego`, `Houston at Sacramento`), in its order; else none."""
    names = tuple(part.strip() for part in _TITLE_SPLIT.split(title.partition(":")[0]))
    return names if len(names) == 2 else ()


def parse_quote(market: WireMarket) -> Quote:
    """The top of book a market carries. An empty side has two encodings, 0 and 1: both become None."""
    bid_u, bid_qty_u = _quoted(market.yes_bid_dollars, market.yes_bid_size_fp)
    ask_u, ask_qty_u = _quoted(market.yes_ask_dollars, market.yes_ask_size_fp)
    return Quote(bid_u, bid_qty_u, ask_u, ask_qty_u, price_u(market.last_price_dollars) or None)


def _quoted(price: str, size: str) -> tuple[int | None, int]:
    value_u, qty_u = price_u(price), amount_u(size)
    return (value_u, qty_u) if 0 < value_u < MICRO and qty_u else (None, 0)


def parse_book(ticker: str, book: WireBook, *, venue_ms: int) -> BookSnapshot:
    """A REST book, which has no time and no sequence of its own; NO bids become YES asks. Raises ProtocolError."""
    return BookSnapshot(
        market_id(ticker),
        parse_levels(book.yes_dollars or ()),
        tuple((MICRO - price, qty) for price, qty in parse_levels(book.no_dollars or ())),
        venue_ms,
    )


def parse_levels(levels: Iterable[Level]) -> tuple[tuple[int, int], ...]:
    """`(price_u, qty_u)` levels with prices inside (0, 1); empty ones are left out. Raises ProtocolError."""
    parsed = tuple((price_u(price), amount_u(size)) for price, size in levels)
    if any(not 0 < price < MICRO for price, _ in parsed):
        raise ProtocolError("a book level is outside (0, 1)", code="bad_number")
    return tuple(level for level in parsed if level[1])


def parse_trade(trade: WireTrade) -> PublicTrade:
    """A public print. Raises ProtocolError."""
    return PublicTrade(
        market_id(trade.ticker),
        trade.trade_id,
        price_u(trade.yes_price_dollars),
        amount_u(trade.count_fp),
        book_side(trade.taker_book_side),
        time_ms(trade.created_time),
    )


def book_side(side: str) -> Side:
    """`bid` buys YES, `ask` sells YES. Raises ProtocolError."""
    if side not in _SIDES:
        raise ProtocolError(f"book side {side!r} is unknown", code="unknown_state")
    return _SIDES[side]


def parse_candle(candle: WireCandle) -> Candle:
    """Both shapes of a candle, the live and the historical one. Raises ProtocolError."""
    return Candle(
        candle.end_period_ts,
        _ohlc(candle.yes_bid),
        _ohlc(candle.yes_ask),
        _ohlc(candle.price),
        amount_u(candle.volume_fp or candle.volume or "0"),
        amount_u(candle.open_interest_fp or candle.open_interest or "0"),
    )


def _ohlc(ohlc: WireOhlc) -> Ohlc:
    return Ohlc(
        _optional_price(ohlc.open_dollars or ohlc.open),
        _optional_price(ohlc.high_dollars or ohlc.high),
        _optional_price(ohlc.low_dollars or ohlc.low),
        _optional_price(ohlc.close_dollars or ohlc.close),
    )


def _optional_price(text: str | None) -> int | None:
    return None if text is None else price_u(text)
