"""The doors of this venue, for `venues.registry`: market data, account, orders, and the sports channel beside them."""

from __future__ import annotations

from venues.polymarket.account import PolymarketAccount
from venues.polymarket.constants import CAPABILITIES, PRODUCTION, PolymarketEndpoints
from venues.polymarket.gateway import PolymarketOrders
from venues.polymarket.market_data import PolymarketMarketData
from venues.polymarket.sign import PolymarketWallet
from venues.polymarket.sports import PolymarketSports
from venues.ports import AccountReader, MarketDataFeed, OrderGateway

__all__ = [
    "CAPABILITIES",
    "PRODUCTION",
    "PolymarketAccount",
    "PolymarketEndpoints",
    "PolymarketMarketData",
    "PolymarketOrders",
    "PolymarketSports",
    "PolymarketWallet",
]

_MARKET_DATA: type[MarketDataFeed] = PolymarketMarketData
_ACCOUNT: type[AccountReader] = PolymarketAccount
_ORDERS: type[OrderGateway] = PolymarketOrders
"""For the type checker: each class is what its port says."""
