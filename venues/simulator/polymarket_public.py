"""The CLOB's public reads: books, prices and market terms, by token or by condition.

`/price` answers BUY with the best bid and SELL with the best ask, as the venue's own batch example does; a client
should read the book. Source: polymarket/FACTS §2.2 to §2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from venues.simulator.asgi import Request
from venues.simulator.polymarket_account import page
from venues.simulator.polymarket_book import WireBook
from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_errors import BAD_PAYLOAD, NO_BOOK, ClobError
from venues.simulator.polymarket_history import PriceHistory
from venues.simulator.polymarket_listing import Catalogue, Listed
from venues.simulator.polymarket_numbers import decimal_text, iso_time, json_number
from venues.simulator.polymarket_trades import TradeLog
from venues.types import MICRO, MarketState, Outcome

MAX_BOOKS = 500
LEGACY_FEE_FLAG = 1000
"""`base_fee` of a market with fees. It is a flag, no rate."""


class TokenQuery(msgspec.Struct, frozen=True):
    """One element of a batch body."""

    token_id: str
    side: str = ""


class PublicDesk:
    def __init__(
        self,
        *,
        books: BookReader,
        catalogue: Catalogue,
        trades: TradeLog,
        history: PriceHistory,
        now_ms: Callable[[], int],
    ) -> None:
        self._books = books
        self._catalogue = catalogue
        self._trades = trades
        self._history = history
        self._now_ms = now_ms

    def book(self, request: Request) -> WireBook:
        return self._book(request.one("token_id"))

    def books(self, request: Request) -> list[WireBook]:
        """Unknown tokens are left out without a word."""
        return [book for book in map(self._book_or_none, _queries(request)) if book is not None]

    def price(self, request: Request) -> dict[str, str]:
        return {"price": _price(self._book(request.one("token_id")), request.one("side"))}

    def midpoint(self, request: Request) -> dict[str, str]:
        return {"mid": _midpoint(self._book(request.one("token_id")))}

    def spread(self, request: Request) -> dict[str, str]:
        return {"spread": _spread(self._book(request.one("token_id")))}

    def last_trade_price(self, request: Request) -> dict[str, str]:
        return self._last_trade(*self._known(request.one("token_id")))

    def prices(self, request: Request) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for query in _queries(request):
            book = self._book_or_none(query)
            if book is not None:
                sides = [query.side] if query.side else ["BUY", "SELL"]
                found.setdefault(query.token_id, {}).update({side: _price(book, side) for side in sides})
        return found

    def midpoints(self, request: Request) -> dict[str, str]:
        return {book.asset_id: _midpoint(book) for book in self.books(request)}

    def spreads(self, request: Request) -> dict[str, str]:
        return {book.asset_id: _spread(book) for book in self.books(request)}

    def last_trades_prices(self, request: Request) -> list[dict[str, str]]:
        known = ((query.token_id, self._catalogue.by_asset(query.token_id)) for query in _queries(request))
        return [{"token_id": token_id} | self._last_trade(*each) for token_id, each in known if each is not None]

    def tick_size(self, request: Request) -> dict[str, Any]:
        return {"minimum_tick_size": json_number(self._books.tick_u(self._known(request.one("token_id"))[0]))}

    def neg_risk(self, request: Request) -> dict[str, bool]:
        return {"neg_risk": self._known(request.one("token_id"))[0].market.is_neg_risk}

    def fee_rate(self, request: Request) -> dict[str, int]:
        known = self._catalogue.by_asset(request.one("token_id"))
        if known is None:
            raise ClobError(404, "fee rate not found for market")
        return {"base_fee": _fee_flag(known[0])}

    def by_token(self, request: Request) -> dict[str, str]:
        known = self._catalogue.by_asset(request.params["token_id"])
        if known is None:
            raise ClobError(404, "market not found")
        market = known[0].market
        first, second = market.asset_ids
        return {"condition_id": market.condition_id, "primary_token_id": first, "secondary_token_id": second}

    def prices_history(self, request: Request) -> dict[str, list[dict[str, Any]]]:
        """Points of one token; `fidelity` is the distance between them in minutes."""
        listed, outcome = self._known(request.one("market"))
        start, end = _integer(request.one("startTs", "0")), _integer(request.one("endTs", str(1 << 62)))
        step_s = 60 * max(1, _integer(request.one("fidelity", "1")))
        points = self._history.points(listed.market.condition_id, start_s=start, end_s=end, step_s=step_s)
        is_yes = outcome is Outcome.YES
        return {"history": [{"t": at_s, "p": json_number(p if is_yes else MICRO - p)} for at_s, p in points]}

    def compact(self, request: Request) -> dict[str, Any]:
        """GET /clob-markets/{condition_id}: flags that are false are left out."""
        listed = self._listed(request.params["condition_id"])
        event, market = listed.event, listed.market
        start_ms = self._catalogue.progress_of(event).start_ms
        compact = {
            "c": market.condition_id,
            "t": [{"t": asset, "o": name} for asset, name in zip(market.asset_ids, market.outcomes, strict=True)],
            "mos": json_number(market.min_size_u),
            "mts": json_number(self._books.tick_u(listed)),
            "mbf": LEGACY_FEE_FLAG,
            "tbf": LEGACY_FEE_FLAG,
            "gst": iso_time(start_ms) if start_ms is not None else None,
            "sd": market.seconds_delay if start_ms is not None else 0,
            "cbos": market.clears_book_at_start or None,
            "nr": market.is_neg_risk or None,
            "ao": self._books.has_book(listed),
            "aot": iso_time(event.listed_ms),
            "r": {"mi": 50, "ma": 4.5, "e": True, "moas": 4},
            "fd": {"r": json_number(market.fee_rate_u), "e": 1, "to": True} if market.fee_rate_u else None,
            "v": market.version,
        }
        return {name: value for name, value in compact.items() if value is not None}

    def long(self, request: Request) -> dict[str, Any]:
        return self._long(self._listed(request.params["condition_id"]))

    def all_long(self, request: Request) -> dict[str, Any]:
        return page([self._long(each) for each in self._catalogue.markets()], request.one("next_cursor"))

    def all_simplified(self, request: Request) -> dict[str, Any]:
        names = ("condition_id", "rewards", "tokens", "active", "closed", "archived", "accepting_orders")
        rows = [{name: row[name] for name in names} for row in map(self._long, self._catalogue.markets())]
        return page(rows, request.one("next_cursor"))

    def _long(self, listed: Listed) -> dict[str, Any]:
        event, market = listed.event, listed.market
        state, value_u = self._books.market(listed).state, self._books.market(listed).value_u
        is_settled = state is MarketState.SETTLED
        start_ms = self._catalogue.progress_of(event).start_ms
        fee_flag = _fee_flag(listed)
        return {
            "enable_order_book": not is_settled,
            "active": True,
            "closed": is_settled,
            "archived": False,
            "accepting_orders": self._books.has_book(listed),
            "accepting_order_timestamp": iso_time(event.listed_ms),
            "minimum_order_size": json_number(market.min_size_u),
            "minimum_tick_size": json_number(self._books.tick_u(listed)),
            "condition_id": market.condition_id,
            "question_id": market.ids.question_id,
            "question": market.question,
            "description": market.description,
            "market_slug": market.slug,
            "end_date_iso": iso_time(event.start_ms),
            "game_start_time": iso_time(start_ms) if start_ms is not None else None,
            "seconds_delay": market.seconds_delay if start_ms is not None else 0,
            "fpmm": "",
            "maker_base_fee": fee_flag,
            "taker_base_fee": fee_flag,
            "notifications_enabled": True,
            "neg_risk": market.is_neg_risk,
            "neg_risk_market_id": market.ids.neg_risk_market_id,
            "neg_risk_request_id": "",
            "icon": "",
            "image": "",
            "rewards": {"rates": None, "min_size": 50, "max_spread": 4.5},
            "is_50_50_outcome": is_settled and value_u not in (0, MICRO),
            "tokens": self._tokens(listed),
            "tags": [event.sport.name, "Games"],
        }

    def _tokens(self, listed: Listed) -> list[dict[str, Any]]:
        """Both tokens with a price: what they paid once settled, before that the last trade or the middle."""
        yes_u = self._history.price_u(listed)
        paid_u = self._books.market(listed).value_u if not self._books.has_book(listed) else None
        prices_u = (yes_u, MICRO - yes_u)
        return [
            {
                "token_id": listed.market.asset_id(outcome),
                "outcome": listed.market.label(outcome),
                "price": json_number(price_u),
                "winner": paid_u == (MICRO if outcome is Outcome.YES else 0),
            }
            for outcome, price_u in zip(Outcome, prices_u, strict=True)
        ]

    def _known(self, asset_id: str) -> tuple[Listed, Outcome]:
        known = self._catalogue.by_asset(asset_id)
        if known is None:
            raise ClobError(404, NO_BOOK)
        return known

    def _book(self, asset_id: str) -> WireBook:
        listed, outcome = self._known(asset_id)
        if not self._books.has_book(listed):
            raise ClobError(404, NO_BOOK)
        return self._books.book(listed, outcome, self._now_ms())

    def _book_or_none(self, query: TokenQuery) -> WireBook | None:
        known = self._catalogue.by_asset(query.token_id)
        if known is None or not self._books.has_book(known[0]):
            return None
        return self._books.book(*known, self._now_ms())

    def _listed(self, condition_id: str) -> Listed:
        listed = self._catalogue.by_condition(condition_id)
        if listed is None:
            raise ClobError(404, "market not found")
        return listed

    def _last_trade(self, listed: Listed, outcome: Outcome) -> dict[str, str]:
        """A market that never traded says 0.5 and no side."""
        trades = self._trades.public_trades(listed.market.condition_id)
        if not trades:
            return {"price": "0.5", "side": ""}
        last = trades[-1]
        price_u = last.yes_price_u if outcome is Outcome.YES else MICRO - last.yes_price_u
        is_buy = last.is_taker_bid == (outcome is Outcome.YES)
        return {"price": decimal_text(price_u), "side": "BUY" if is_buy else "SELL"}


def _queries(request: Request) -> Sequence[TokenQuery]:
    try:
        queries = msgspec.json.decode(request.body, type=list[TokenQuery])
    except msgspec.DecodeError as problem:
        raise ClobError(400, BAD_PAYLOAD) from problem
    if len(queries) > MAX_BOOKS:
        raise ClobError(400, "Payload exceeds the limit")
    return queries


def _integer(text: str) -> int:
    if not text.isdecimal():
        raise ClobError(400, "invalid filters")
    return int(text)


def _price(book: WireBook, side: str) -> str:
    if side not in ("BUY", "SELL"):
        raise ClobError(400, "Invalid side")
    return book.best_bid if side == "BUY" else book.best_ask


def _midpoint(book: WireBook) -> str:
    if not book.bids or not book.asks:
        raise ClobError(404, NO_BOOK)
    return decimal_text((_micro(book.best_bid) + _micro(book.best_ask)) // 2)


def _spread(book: WireBook) -> str:
    return decimal_text(_micro(book.best_ask) - _micro(book.best_bid))


def _micro(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * MICRO + int(fraction.ljust(6, "0") or "0")


def _fee_flag(listed: Listed) -> int:
    return LEGACY_FEE_FLAG if listed.market.fee_rate_u else 0
