"""The endpoints that anyone may read: exchange, series, events, markets, books, trades, candles, milestones, live data.

Source: FACTS §5 and §6; parameters from openapi 3.34.0. Parameters that the venue knows and a trader does not use are
accepted and without effect.
"""

from __future__ import annotations

from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.exchange_market import Market
from venues.simulator.kalshi_core import ROOT, KalshiCore
from venues.simulator.kalshi_json import error, ok, rfc3339_ms
from venues.simulator.kalshi_limits import costs_body
from venues.simulator.kalshi_listing import (
    FILTERS,
    Json,
    event_body,
    fee_change_body,
    market_body,
    market_list_body,
    milestone_body,
    orderbook_body,
    series_body,
)
from venues.simulator.kalshi_requests import limit_of, paged, seconds
from venues.types import MarketState

SHARDS = {0: "Default", 1: "Exotics", 2: "Crypto and commodities", 3: "Tennis, baseball and basketball"}
LIVE_WINDOW_MS = 90 * 86_400_000
ORDER_WINDOW_MS = 14 * 86_400_000
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class PublicDesk:
    def __init__(self, core: KalshiCore) -> None:
        self._core = core

    def add_routes(self, router: Router) -> None:
        public = self._core.public
        for path, op, handler in (
            ("/exchange/status", "exchange_status", self.exchange_status),
            ("/exchange/schedule", "exchange_schedule", self.exchange_schedule),
            ("/exchange/user_data_timestamp", "user_data_timestamp", self.user_data_timestamp),
            ("/account/endpoint_costs", "endpoint_costs", self.endpoint_costs),
            ("/historical/cutoff", "historical_cutoff", self.historical_cutoff),
            ("/series", "series_list", self.series_list),
            ("/series/fee_changes", "series_fee_changes", self.series_fee_changes),
            ("/series/{series}", "series", self.series),
            ("/events", "events", self.events),
            ("/events/fee_changes", "event_fee_changes", self.event_fee_changes),
            ("/events/multivariate", "events_multivariate", self.events_multivariate),
            ("/events/{event}", "event", self.event),
            ("/markets", "markets", self.markets),
            ("/markets/orderbooks", "orderbooks", self.orderbooks),
            ("/markets/{ticker}", "market", self.market),
            ("/markets/{ticker}/orderbook", "orderbook", self.orderbook),
            ("/milestones", "milestones", self.milestones),
            ("/milestones/{milestone}", "milestone", self.milestone),
            ("/search/tags_by_categories", "tags_by_categories", self.tags_by_categories),
            ("/search/filters_by_sport", "filters_by_sport", self.filters_by_sport),
            ("/historical/markets", "historical_markets", self.historical_markets),
            ("/historical/trades", "historical_trades", self.historical_trades),
        ):
            router.get(ROOT + path, public(op, handler))

    def exchange_status(self, request: Request) -> Reply:
        exchange = self._core.exchange
        state = {
            "exchange_active": exchange.is_exchange_active,
            "trading_active": exchange.is_exchange_active and exchange.is_trading_active,
            "intra_exchange_transfers_active": exchange.is_exchange_active,
        }
        shards = [{"exchange_index": shard, "description": text} | state for shard, text in SHARDS.items()]
        return ok(state | {"exchange_index_statuses": shards})

    def exchange_schedule(self, request: Request) -> Reply:
        """Round the clock, but for the weekly pause on Thursday 03:00–05:00 ET."""
        open_all_day = [{"open_time": "00:00", "close_time": "00:00"}]
        thursday = [{"open_time": "00:00", "close_time": "03:00"}, {"open_time": "05:00", "close_time": "00:00"}]
        hours: Json = {day: thursday if day == "thursday" else open_all_day for day in DAYS}
        hours |= {"start_time": "2026-01-01T05:00:00Z", "end_time": "2027-01-01T05:00:00Z"}
        return ok({"schedule": {"standard_hours": [hours], "maintenance_windows": []}})

    def user_data_timestamp(self, request: Request) -> Reply:
        return ok({"as_of_time": rfc3339_ms(self._core.reads.as_of_ms)})

    def endpoint_costs(self, request: Request) -> Reply:
        return ok(costs_body())

    def historical_cutoff(self, request: Request) -> Reply:
        live, orders = self._core.clock_ms() - LIVE_WINDOW_MS, self._core.clock_ms() - ORDER_WINDOW_MS
        return ok(
            {
                "market_settled_ts": rfc3339_ms(live),
                "trades_created_ts": rfc3339_ms(live),
                "orders_updated_ts": rfc3339_ms(orders),
                "market_positions_last_updated_ts": rfc3339_ms(live),
            }
        )

    def series_list(self, request: Request) -> Reply:
        category, tags = request.one("category"), set(request.many("tags"))
        cards = [
            card
            for card in self._core.catalog.series.values()
            if category in ("", card.category) and (not tags or tags & set(card.tags))
        ]
        return ok({"series": [series_body(card) for card in cards]})

    def series(self, request: Request) -> Reply:
        card = self._core.catalog.series.get(request.params["series"])
        if card is None:
            raise error(404, "not_found")
        return ok({"series": series_body(card)})

    def series_fee_changes(self, request: Request) -> Reply:
        ticker, now_ms = request.one("series_ticker"), self._core.clock_ms()
        shows_past = request.one("show_historical") == "true"
        changes = [
            fee_change_body(change)
            for change in self._core.catalog.fee_changes
            if not change.event_ticker
            and ticker in ("", change.series_ticker)
            and (shows_past or change.scheduled_ms > now_ms)
        ]
        return ok({"series_fee_change_arr": changes})

    def event_fee_changes(self, request: Request) -> Reply:
        ticker = request.one("event_ticker")
        changes = [
            fee_change_body(change)
            for change in self._core.catalog.fee_changes
            if change.event_ticker and ticker in ("", change.event_ticker)
        ]
        page = paged(request, changes, operation="GetEventFeeChanges", most=1000, default=100)
        return ok({"event_fee_changes": page.items, "cursor": page.cursor})

    def events(self, request: Request) -> Reply:
        """An event has a status when one of its markets has it; nothing listed is a multivariate event here."""
        catalog, states = self._core.catalog, _states(request)
        series, tickers = request.one("series_ticker"), set(request.many("tickers"))
        cards = [
            card
            for card in catalog.events.values()
            if series in ("", card.series_ticker)
            and (not tickers or card.ticker in tickers)
            and (states is None or any(market.state in states for market in self._markets_of(card.ticker)))
        ]
        page = paged(request, cards, operation="GetEvents", most=200, default=200)
        nests = request.one("with_nested_markets") == "true"
        body: Json = {
            "events": [event_body(c, self._nested(c.ticker) if nests else None) for c in page.items],
            "cursor": page.cursor,
        }
        if request.one("with_milestones") == "true":
            shown = {card.ticker for card in page.items}
            related = [m for m in catalog.milestones.values() if shown & set(m.related_event_tickers)]
            body["milestones"] = [milestone_body(milestone) for milestone in related]
        return ok(body)

    def events_multivariate(self, request: Request) -> Reply:
        return ok({"events": [], "cursor": ""})

    def event(self, request: Request) -> Reply:
        card = self._core.catalog.events.get(request.params["event"])
        if card is None:
            raise error(404, "not_found")
        nested = self._nested(card.ticker)
        if request.one("with_nested_markets") == "true":
            return ok({"event": event_body(card, nested), "markets": []})
        return ok({"event": event_body(card, None), "markets": nested})

    def markets(self, request: Request) -> Reply:
        states, tickers = _states(request), set(request.many("tickers"))
        event, series = request.one("event_ticker"), request.one("series_ticker")
        least_ms, most_ms = seconds(request, "min_close_ts"), seconds(request, "max_close_ts")
        rows = [
            market
            for market in self._listed()
            if (states is None or market.state in states)
            and (not tickers or market.native_id in tickers)
            and event in ("", market.spec.event_id)
            and series in ("", self._series_of(market))
            and (least_ms is None or (market.spec.close_ms or 0) >= least_ms)
            and (most_ms is None or (market.spec.close_ms or 0) <= most_ms)
        ]
        page = paged(request, rows, operation="GetMarkets", most=1000, default=100)
        return ok({"markets": market_list_body(self._core.catalog, page.items), "cursor": page.cursor})

    def market(self, request: Request) -> Reply:
        market = self._market(request.params["ticker"])
        return ok({"market": market_body(market, self._core.catalog.markets[market.native_id])})

    def orderbook(self, request: Request) -> Reply:
        depth = limit_of(request, operation="GetMarketOrderbook", most=100, default=0, param="depth")
        return ok({"orderbook_fp": orderbook_body(self._market(request.params["ticker"]), depth)})

    def orderbooks(self, request: Request) -> Reply:
        tickers = request.many("tickers")[:100]
        books = [
            {"ticker": ticker, "orderbook_fp": orderbook_body(self._core.exchange.market(ticker), 0)}
            for ticker in tickers
            if ticker in self._core.catalog.markets
        ]
        return ok({"orderbooks": books})

    def historical_markets(self, request: Request) -> Reply:
        return ok({"markets": [], "cursor": ""})

    def historical_trades(self, request: Request) -> Reply:
        return ok({"trades": [], "cursor": ""})

    def milestones(self, request: Request) -> Reply:
        """`limit` is required here, and only here."""
        if not request.one("limit"):
            raise error(400, "bad_request", details="limit is required")
        event, kind = request.one("related_event_ticker"), request.one("type")
        rows = [
            milestone_body(card)
            for card in self._core.catalog.milestones.values()
            if (not event or event in card.related_event_tickers) and kind in ("", card.type)
        ]
        page = paged(request, rows, operation="GetMilestones", most=500, default=100)
        return ok({"milestones": page.items, "cursor": page.cursor})

    def milestone(self, request: Request) -> Reply:
        card = self._core.catalog.milestones.get(request.params["milestone"])
        if card is None:
            raise error(404, "not_found")
        return ok({"milestone": milestone_body(card)})

    def tags_by_categories(self, request: Request) -> Reply:
        tags = sorted({tag for card in self._core.catalog.series.values() for tag in card.tags})
        return ok({"tags_by_categories": {"Sports": tags}})

    def filters_by_sport(self, request: Request) -> Reply:
        sports: dict[str, dict[str, Json]] = {}
        for event in self._core.catalog.events.values():
            series = self._core.catalog.series[event.series_ticker]
            for tag in series.tags:
                sports.setdefault(tag, {})[event.competition] = {"scopes": [event.scope]}
        filters = {tag: {"scopes": ["Game"], "competitions": found} for tag, found in sports.items()}
        return ok({"filters_by_sports": filters, "sport_ordering": sorted(filters)})

    def _market(self, ticker: str) -> Market:
        if ticker not in self._core.catalog.markets:
            raise error(404, "market_not_found")
        return self._core.exchange.market(ticker)

    def _listed(self) -> list[Market]:
        """Markets that have a card, in the order of their listing."""
        return [market for market in self._core.exchange.markets() if market.native_id in self._core.catalog.markets]

    def _markets_of(self, event_ticker: str) -> list[Market]:
        listed = {market.native_id for market in self._core.exchange.markets()}
        tickers = self._core.catalog.market_tickers_of(event_ticker)
        return [self._core.exchange.market(ticker) for ticker in tickers if ticker in listed]

    def _nested(self, event_ticker: str) -> list[Json]:
        return market_list_body(self._core.catalog, self._markets_of(event_ticker))

    def _series_of(self, market: Market) -> str:
        event = self._core.catalog.events.get(market.spec.event_id)
        return event.series_ticker if event is not None else ""


def _states(request: Request) -> set[MarketState] | None:
    """The status filter knows other words than the market body. None: any."""
    names = request.many("status")
    if not names:
        return None
    if any(name not in FILTERS for name in names):
        raise error(400, "bad_request", details="invalid status filter")
    return {state for name in names for state in FILTERS[name]}
