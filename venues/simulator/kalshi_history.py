"""Public trades, candles, live data and structured targets: what happened, as opposed to what is listed.

Source: FACTS §6.7 and §6.9.
"""

from __future__ import annotations

from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.exchange_types import Traded
from venues.simulator.kalshi_core import ROOT, KalshiCore
from venues.simulator.kalshi_json import count, error, ok, price, rfc3339, stamp_us
from venues.simulator.kalshi_listing import Json, target_body
from venues.simulator.kalshi_requests import paged, seconds, within
from venues.simulator.kalshi_tape import Candle, Ohlc
from venues.types import MICRO

PERIODS_MIN = (1, 60, 1440)


class HistoryDesk:
    def __init__(self, core: KalshiCore) -> None:
        self._core = core

    def add_routes(self, router: Router) -> None:
        public = self._core.public
        for path, op, handler in (
            ("/markets/trades", "trades", self.trades),
            ("/markets/candlesticks", "candlesticks_batch", self.candlesticks_batch),
            ("/series/{series}/markets/{ticker}/candlesticks", "candlesticks", self.candlesticks),
            ("/structured_targets", "targets", self.targets),
            ("/structured_targets/{target}", "target", self.target),
            ("/live_data/batch", "live_batch", self.live_batch),
            ("/live_data/milestone/{milestone}", "live", self.live),
            ("/live_data/{type}/milestone/{milestone}", "live", self.live),
            ("/live_data/milestone/{milestone}/game_stats", "game_stats", self.game_stats),
        ):
            router.get(ROOT + path, public(op, handler))

    def trades(self, request: Request) -> Reply:
        """Newest first."""
        ticker = request.one("ticker")
        rows = self._core.tape.trades(ticker) if ticker else self._core.tape.all_trades()
        rows = [trade for trade in rows if within(request, trade.venue_ms)]
        page = paged(request, rows, operation="GetTrades", most=1000, default=100)
        return ok({"trades": [trade_body(trade) for trade in page.items], "cursor": page.cursor})

    def candlesticks(self, request: Request) -> Reply:
        ticker = request.params["ticker"]
        return ok({"ticker": ticker, "candlesticks": self._candles(request, ticker)})

    def candlesticks_batch(self, request: Request) -> Reply:
        rows = [
            {"market_ticker": ticker, "candlesticks": self._candles(request, ticker)}
            for ticker in request.many("market_tickers")[:100]
        ]
        return ok({"markets": rows})

    def _candles(self, request: Request, ticker: str) -> list[Json]:
        if ticker not in self._core.catalog.markets:
            raise error(404, "market_not_found")
        start_ms, end_ms = seconds(request, "start_ts"), seconds(request, "end_ts")
        period = request.one("period_interval")
        if start_ms is None or end_ms is None or not period.isdigit() or int(period) not in PERIODS_MIN:
            raise error(400, "bad_request", details="start_ts, end_ts and period_interval (1, 60, 1440) are required")
        candles = self._core.tape.candles(ticker, minutes=int(period), start_ms=start_ms, end_ms=end_ms)
        return [candle_body(candle) for candle in candles]

    def targets(self, request: Request) -> Reply:
        ids, kind, competition = set(request.many("ids")), request.one("type"), request.one("competition")
        rows = [
            target_body(card)
            for card in self._core.catalog.targets.values()
            if (not ids or card.target_id in ids) and kind in ("", card.type) and competition in ("", card.competition)
        ]
        page = paged(request, rows, operation="GetStructuredTargets", most=2000, default=100, param="page_size")
        return ok({"structured_targets": page.items, "cursor": page.cursor})

    def target(self, request: Request) -> Reply:
        card = self._core.catalog.targets.get(request.params["target"])
        if card is None:
            raise error(404, "not_found")
        return ok({"structured_target": target_body(card)})

    def live(self, request: Request) -> Reply:
        found = self._live(request.params["milestone"])
        if found is None:
            raise error(404, "not_found")
        return ok({"live_data": found})

    def live_batch(self, request: Request) -> Reply:
        """The parameter must be repeated: a comma list is one unknown id, and unknown ids are silently nothing."""
        ids = request.query.get("milestone_ids", [])[:100]
        return ok({"live_datas": [found for each in ids if (found := self._live(each)) is not None]})

    def game_stats(self, request: Request) -> Reply:
        if request.params["milestone"] not in self._core.catalog.milestones:
            raise error(404, "not_found")
        return ok({"pbp": None})

    def _live(self, milestone_id: str) -> Json | None:
        live = self._core.catalog.live.get(milestone_id)
        if live is None:
            return None
        return {"type": live.type, "details": dict(live.details), "milestone_id": milestone_id}


def trade_body(trade: Traded) -> Json:
    outcome = "yes" if trade.is_taker_bid else "no"
    return {
        "trade_id": trade.trade_id,
        "ticker": trade.native_id,
        "count_fp": count(trade.qty_u),
        "yes_price_dollars": price(trade.yes_price_u),
        "no_price_dollars": price(MICRO - trade.yes_price_u),
        "taker_side": outcome,
        "taker_outcome_side": outcome,
        "taker_book_side": "bid" if trade.is_taker_bid else "ask",
        "created_time": rfc3339(stamp_us(trade.venue_ms, trade.number)),
        "is_block_trade": False,
    }


def candle_body(candle: Candle) -> Json:
    previous = None if candle.previous_u is None else price(candle.previous_u)
    traded: Json = {f"{name}_dollars": None for name in ("open", "low", "high", "close", "mean")}
    if candle.traded is not None:
        mean_u = candle.notional_u // candle.volume_u
        traded = _ohlc(candle.traded) | {"mean_dollars": price(mean_u)}
    return {
        "end_period_ts": candle.end_ms // 1000,
        "yes_bid": _ohlc(candle.bid),
        "yes_ask": _ohlc(candle.ask),
        "price": traded | {"previous_dollars": previous},
        "volume_fp": count(candle.volume_u),
        "open_interest_fp": count(candle.open_interest_u),
    }


def _ohlc(ohlc: Ohlc) -> Json:
    return {
        "open_dollars": price(ohlc.open_u),
        "high_dollars": price(ohlc.high_u),
        "low_dollars": price(ohlc.low_u),
        "close_dollars": price(ohlc.close_u),
    }
