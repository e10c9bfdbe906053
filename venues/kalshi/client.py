"""The three doors to Kalshi and what opens them. Doors of one user share one `Budget`."""

from __future__ import annotations

from venues.kalshi.budget import Budget
from venues.kalshi.capabilities import CAPABILITIES
from venues.kalshi.client_account import KalshiAccount
from venues.kalshi.client_market import KalshiMarketData
from venues.kalshi.client_orders import KalshiOrders
from venues.kalshi.constants import DEMO, PRODUCTION, KalshiEndpoints, KalshiKey
from venues.ports import AccountReader, MarketDataFeed, OrderGateway

__all__ = [
    "CAPABILITIES",
    "DEMO",
    "PRODUCTION",
    "Budget",
    "KalshiAccount",
    "KalshiEndpoints",
    "KalshiKey",
    "KalshiMarketData",
    "KalshiOrders",
]

_DOORS: tuple[type[MarketDataFeed], type[AccountReader], type[OrderGateway]] = (
    KalshiMarketData,
    KalshiAccount,
    KalshiOrders,
)
