"""The Data API's application: first edition arrays, second edition envelopes with cursors.

The second edition wants `user` (or `condition`) although its schema calls it optional, and answers 400 with the name
of the parameter. Source: polymarket/FACTS §5.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from venues.simulator.asgi import Request, Router
from venues.simulator.exchange_types import FillView, SettlementView
from venues.simulator.polymarket_data import DataReader, Holding
from venues.simulator.polymarket_errors import ClobError
from venues.simulator.polymarket_gate import Gate
from venues.simulator.polymarket_listing import Listed
from venues.simulator.polymarket_numbers import iso_time, json_number
from venues.simulator.polymarket_records import transaction_hash
from venues.types import Outcome

Json = dict[str, Any]
MAX_LIMIT = 1_000


class DataApp:
    def __init__(self, reader: DataReader, gate: Gate) -> None:
        self._reader = reader
        self._gate = gate

    def router(self) -> Router:
        router = Router()
        paths: Mapping[str, Callable[[Request], Any]] = {
            "/": lambda request: {"data": "OK"},
            "/positions": self._positions,
            "/closed-positions": lambda request: [],
            "/trades": self._trades,
            "/activity": self._activity,
            "/value": self._value,
            "/v2/positions": self._positions_v2,
            "/v2/trades": self._trades_v2,
            "/v2/activity": self._activity_v2,
            "/v2/value": lambda request: {"data": {"proxy_wallet": _user(request), "value": self._value_of(request)}},
            "/v2/resolutions": self._resolutions,
            "/v2/status": lambda request: {"data": {"status": "ok"}},
        }
        for path, handler in paths.items():
            router.get(path, self._gate.public(f"data{path}", handler))
        return router

    def _positions(self, request: Request) -> list[Json]:
        return _slice([_position(each) for each in self._reader.holdings(_user(request))], request)

    def _trades(self, request: Request) -> list[Json]:
        rows = [_trade(_user(request), listed, fill) for listed, fill in self._reader.fills(_user(request))]
        return _slice(rows, request)

    def _activity(self, request: Request) -> list[Json]:
        return _slice([_camel(row) for row in self._activities(request)], request)

    def _value(self, request: Request) -> list[Json]:
        return [{"user": _user(request), "value": self._value_of(request)}]

    def _value_of(self, request: Request) -> float | int:
        return json_number(self._reader.value_u(_user(request)))

    def _positions_v2(self, request: Request) -> Json:
        return _envelope([_position_v2(each) for each in self._reader.holdings(_user(request))], request)

    def _trades_v2(self, request: Request) -> Json:
        rows = [_trade_v2(_user(request), listed, fill) for listed, fill in self._reader.fills(_user(request))]
        return _envelope(rows, request)

    def _activity_v2(self, request: Request) -> Json:
        wanted = request.many("type")
        return _envelope([row for row in self._activities(request) if not wanted or row["type"] in wanted], request)

    def _resolutions(self, request: Request) -> Json:
        return _envelope(self._reader.resolutions(request.many("condition_id")), request)

    def _activities(self, request: Request) -> list[Json]:
        """Trades and redemptions, newest first."""
        user = _user(request)
        rows = [_trade_activity(user, listed, fill) for listed, fill in self._reader.fills(user)]
        rows += [_redemption(user, listed, each) for listed, each in self._reader.settlements(user)]
        return sorted(rows, key=lambda row: -int(row["timestamp"]))


def _position(holding: Holding) -> Json:
    listed, outcome = holding.listed, holding.outcome
    return {
        "proxyWallet": holding.wallet,
        "asset": listed.market.asset_id(outcome),
        "conditionId": listed.market.condition_id,
        "size": json_number(holding.qty_u),
        "avgPrice": json_number(holding.average_u),
        "initialValue": json_number(holding.cost_u),
        "currentValue": json_number(holding.value_u),
        "cashPnl": json_number(holding.pnl_u),
        "percentPnl": holding.percent,
        "totalBought": json_number(holding.qty_u),
        "realizedPnl": json_number(holding.realized_u),
        "percentRealizedPnl": 0,
        "curPrice": json_number(holding.price_u),
        "redeemable": False,
        "mergeable": holding.is_mergeable,
        "title": listed.market.question,
        "slug": listed.market.slug,
        "icon": "",
        "eventSlug": listed.event.slug,
        "outcome": listed.market.label(outcome),
        "outcomeIndex": _index(outcome),
        "oppositeOutcome": listed.market.label(outcome.other),
        "oppositeAsset": listed.market.asset_id(outcome.other),
        "endDate": iso_time(listed.event.start_ms),
        "negativeRisk": listed.market.is_neg_risk,
    }


def _position_v2(holding: Holding) -> Json:
    listed, outcome = holding.listed, holding.outcome
    return {
        "proxy_wallet": holding.wallet,
        "token_id": listed.market.asset_id(outcome),
        "condition_id": listed.market.condition_id,
        "current_size": json_number(holding.qty_u),
        "avg_price": json_number(holding.average_u),
        "entry_cost_usdc": json_number(holding.cost_u),
        "entry_fees_usdc": json_number(holding.fees_u),
        "total_cost_usdc": json_number(holding.cost_u + holding.fees_u),
        "current_price": json_number(holding.price_u),
        "current_value": json_number(holding.value_u),
        "total_size": json_number(holding.qty_u),
        "realized_pnl": json_number(holding.realized_u),
        "unrealized_pnl": json_number(holding.pnl_u),
        "total_pnl": json_number(holding.pnl_u + holding.realized_u),
        "percent_pnl": holding.percent,
        "percent_realized_pnl": 0,
        "status": "OPEN",
        "redeemable": False,
        "mergeable": holding.is_mergeable,
        "negative_risk": listed.market.is_neg_risk,
        "archived": False,
        "verified": False,
        "title": listed.market.question,
        "slug": listed.market.slug,
        "event_slug": listed.event.slug,
        "outcome": listed.market.label(outcome),
        "opposite_outcome": listed.market.label(outcome.other),
        "outcome_index": _index(outcome),
        "opposite_token_id": listed.market.asset_id(outcome.other),
        "end_date": iso_time(listed.event.start_ms)[:10],
        "last_event_at": holding.updated_ms // 1000,
    }


def _trade(user: str, listed: Listed, fill: FillView) -> Json:
    return {
        "proxyWallet": user,
        "side": fill.side.name,
        "asset": listed.market.asset_id(fill.outcome),
        "conditionId": fill.native_id,
        "size": json_number(fill.qty_u),
        "price": json_number(fill.price_u),
        "timestamp": fill.venue_ms // 1000,
        "title": listed.market.question,
        "slug": listed.market.slug,
        "icon": "",
        "eventSlug": listed.event.slug,
        "outcome": listed.market.label(fill.outcome),
        "outcomeIndex": _index(fill.outcome),
        "transactionHash": transaction_hash(fill.trade_id),
    }


def _trade_v2(user: str, listed: Listed, fill: FillView) -> Json:
    return {
        "proxy_wallet": user,
        "token_id": listed.market.asset_id(fill.outcome),
        "condition_id": fill.native_id,
        "side": fill.side.name,
        "size": json_number(fill.qty_u),
        "price": json_number(fill.price_u),
        "timestamp": fill.venue_ms // 1000,
        "transaction_hash": transaction_hash(fill.trade_id),
        "title": listed.market.question,
        "slug": listed.market.slug,
        "event_slug": listed.event.slug,
        "outcome": listed.market.label(fill.outcome),
        "outcome_index": _index(fill.outcome),
    }


def _trade_activity(user: str, listed: Listed, fill: FillView) -> Json:
    return _trade_v2(user, listed, fill) | {"type": "TRADE", "usdc_size": json_number(fill.cost_u)}


def _redemption(user: str, listed: Listed, settlement: SettlementView) -> Json:
    """What a resolved market paid: price 0, the payout in `usdc_size`."""
    return {
        "proxy_wallet": user,
        "token_id": "",
        "condition_id": settlement.native_id,
        "type": "REDEEM",
        "side": "",
        "size": json_number(settlement.yes_qty_u + settlement.no_qty_u),
        "usdc_size": json_number(settlement.payout_u),
        "price": 0,
        "timestamp": settlement.venue_ms // 1000,
        "transaction_hash": transaction_hash(f"{settlement.account_id}{settlement.native_id}"),
        "title": listed.market.question,
        "slug": listed.market.slug,
        "event_slug": listed.event.slug,
        "outcome": "",
        "outcome_index": 999,
    }


def _camel(row: Json) -> Json:
    renamed = {"token_id": "asset"}
    return {renamed.get(name) or _camel_name(name): value for name, value in row.items()}


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _index(outcome: Outcome) -> int:
    return 0 if outcome is Outcome.YES else 1


def _user(request: Request) -> str:
    user = request.one("user").lower()
    if not user:
        text = "user is required"
        raise ClobError(400, text, body={"error": text, "parameter": "user"})
    return user


def _slice(rows: Sequence[Json], request: Request) -> list[Json]:
    limit, offset = _number(request, "limit", 100), _number(request, "offset", 0)
    return list(rows[offset : offset + min(limit, MAX_LIMIT)])


def _envelope(rows: Sequence[Json], request: Request) -> Json:
    limit, start = min(_number(request, "limit", 100), MAX_LIMIT), _cursor(request)
    has_more = start + limit < len(rows)
    following = base64.urlsafe_b64encode(str(start + limit).encode()).decode() if has_more else None
    return {
        "data": list(rows[start : start + limit]),
        "pagination": {"has_more": has_more, "next_cursor": following},
    }


def _cursor(request: Request) -> int:
    try:
        return int(base64.urlsafe_b64decode(request.one("cursor"))) if request.one("cursor") else 0
    except (binascii.Error, ValueError) as problem:
        raise ClobError(400, "invalid cursor", body={"error": "invalid cursor", "parameter": "cursor"}) from problem


def _number(request: Request, name: str, default: int) -> int:
    text = request.one(name, str(default))
    if not text.isdecimal():
        raise ClobError(400, f"invalid {name}", body={"error": f"invalid {name}", "parameter": name})
    return int(text)
