"""Where Kalshi lives, what it calls things, and which of its refusals are final.

The lists of error codes are allow-lists: a code that is not in `DEFINITIVE_CREATE_REFUSALS` leaves an order unknown
until a read decides, because a refusal we misread would free money that is still at work.
Source: docs.kalshi.com (OpenAPI 3.34.0, changelog to 2026-10-15) and recorded replies.
"""

from __future__ import annotations

import msgspec


class KalshiEndpoints(msgspec.Struct, frozen=True):
    """`rest_url` carries the API's path prefix (`…/trade-api/v2`); `ws_url` is the whole socket address."""

    rest_url: str
    ws_url: str


class KalshiKey(msgspec.Struct, frozen=True):
    """An API key: its id and its private key as PKCS#8 (or PKCS#1) PEM, RSA or Ed25519."""

    key_id: str
    private_key_pem: str

    def __repr__(self) -> str:
        return f"KalshiKey(key_id={self.key_id!r}, private_key_pem=<secret>)"


PRODUCTION = KalshiEndpoints(
    rest_url="https://external-api.kalshi.com/trade-api/v2",
    ws_url="wss://external-api-ws.kalshi.com/trade-api/ws/v2",
)
DEMO = KalshiEndpoints(
    rest_url="https://external-api.demo.kalshi.co/trade-api/v2",
    ws_url="wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
)

ORDERS = "/portfolio/events/orders"
ORDER_READS = "/portfolio/orders"
ORDER_GROUPS = "/portfolio/order_groups"

MAX_CLIENT_ORDER_ID_LEN = 36
"""A UUID's length is what the wire has proven; the documents name no limit."""

DUPLICATE_ORDER = "order_already_exists"

DEFINITIVE_CREATE_REFUSALS = frozenset(
    {
        "insufficient_balance",
        "invalid_price",
        "invalid_order",
        "invalid_parameters",
        "bad_request",
        "market_not_found",
        "fill_or_kill_insufficient_resting_volume",
        "trading_is_paused",
        "exchange_is_paused",
        "market_closed",
        "market_already_closed",
        "market_inactive",
        "order_group_not_found",
        "exceeded_order_group_risk_limit",
        "exceeded_per_market_risk_limit",
        "exceeded_sell_position_floor",
        "self_cross_attempt",
        "reduce_only",
    }
)
"""Refusals of a create (or amend, decrease) after which the order is proven not to be in the book."""

FENCE_SHUT = frozenset({"exceeded_order_group_risk_limit", "order_group_not_found"})
"""Refusals of a create that say: its order group was triggered (by hand or by its limit) or is gone."""

PAUSED = frozenset({"trading_is_paused", "exchange_is_paused"})
"""Refusals that speak of the exchange, not of the order."""

CANCEL_CANNOT_NOW = frozenset(
    {"market_closed", "market_already_closed", "market_inactive", "exchange_is_paused", "trading_is_paused"}
)
"""Refusals of a cancel that leave the order as it was: after the close even cancels fail."""

NO_SUCH_ORDER = "not_found"
"""A cancel answers 404 alike for an unknown, a canceled and a filled order: it proves only "not resting"."""

CHANNEL_BOOK = "orderbook_delta"
CHANNEL_TRADE = "trade"
CHANNEL_LIFECYCLE = "market_lifecycle_v2"
CHANNEL_FILL = "fill"
CHANNEL_ORDERS = "user_orders"
CHANNEL_POSITIONS = "market_positions"
CHANNEL_GROUPS = "order_group_updates"

TERMINAL_STREAM_ERRORS = frozenset({10, 17, 25})
"""The subscription is dead though the socket lives: channel error, internal error (retired), buffer overflow."""

UNKNOWN_SID = 7

TAKER_RATE_U = 70_000
MAKER_SHARE = {"quadratic": (0, 1), "quadratic_with_maker_fees": (1, 4), "quadratic_with_combo_maker_fees": (1, 2)}
"""The maker's part of the taker's rate per fee type, as a fraction."""
