"""Opens the doors of a venue by its name, so that nobody outside this package asks which venue it is.

A door is one object of `ports`: market data, account, orders. All doors of one key share one rate limiter, because the
venue counts their requests together. The reader alone, and where the venues live, is `venues.readers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from venues.espn.client import EspnFeed
from venues.kalshi import client as kalshi
from venues.polymarket import client as polymarket
from venues.ports import AccountReader, FrameTap, MarketDataFeed, OrderGateway
from venues.readers import (
    PRODUCTION,
    SECRET_NAMES,
    MarketOf,
    VenueEndpoints,
    kalshi_budget,
    kalshi_key,
    open_reader,
    polymarket_allowances,
    polymarket_limiter,
    simulated_endpoints,
    wallet_of,
)
from venues.types import Venue

__all__ = [
    "PRODUCTION",
    "SECRET_NAMES",
    "MarketOf",
    "VenueEndpoints",
    "open_account",
    "open_game_feed",
    "open_market_data",
    "open_reader",
    "simulated_endpoints",
]


def open_market_data(
    venue: Venue,
    *,
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    clock_ms: Callable[[], int],
    tap: FrameTap | None = None,
) -> MarketDataFeed:
    """The public data of a venue. Kalshi wants a key even for it. Raises AuthFailed when a secret is missing."""
    if venue is Venue.KALSHI:
        key = kalshi_key(secrets)
        return kalshi.KalshiMarketData(
            endpoints.kalshi,
            key,
            tap=tap,
            clock_ms=clock_ms,
            budget=kalshi_budget(endpoints.kalshi.rest_url, key.key_id),
        )
    return polymarket.PolymarketMarketData(endpoints.polymarket, tap=tap, clock_ms=clock_ms)


def open_account(
    venue: Venue,
    *,
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    account: str,
    market_of: MarketOf,
    clock_ms: Callable[[], int],
    tap: FrameTap | None = None,
) -> tuple[AccountReader, OrderGateway]:
    """The reader and the gateway of one account. `account` is what its reports will call it; raises AuthFailed."""
    reader = open_reader(
        venue,
        endpoints=endpoints,
        secrets=secrets,
        account=account,
        market_of=market_of,
        clock_ms=clock_ms,
        tap=tap,
    )
    return reader, _open_gateway(venue, endpoints=endpoints, secrets=secrets, account=account, clock_ms=clock_ms)


def _open_gateway(
    venue: Venue,
    *,
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    account: str,
    clock_ms: Callable[[], int],
) -> OrderGateway:
    if venue is Venue.KALSHI:
        key, place = kalshi_key(secrets), endpoints.kalshi
        budget = kalshi_budget(place.rest_url, key.key_id)
        return kalshi.KalshiOrders(place, key, account=account, clock_ms=clock_ms, budget=budget)
    wallet, home = wallet_of(secrets), endpoints.polymarket
    limiter = polymarket_limiter(home.clob_url, wallet.address)
    allowances = polymarket_allowances(home.clob_url, wallet.funder)
    return polymarket.PolymarketOrders(
        home, wallet, account=account, clock_ms=clock_ms, limiter=limiter, allowances=allowances
    )


def open_game_feed(
    *,
    endpoints: VenueEndpoints,
    leagues: Iterable[str],
    clock_ms: Callable[[], int],
    tap: FrameTap | None = None,
    pace: Callable[[], float] = lambda: 1.0,
) -> EspnFeed:
    """The game feed; `pace` is how many seconds of `clock_ms` pass in a real one."""
    return EspnFeed(endpoints.espn, leagues=leagues, clock_ms=clock_ms, tap=tap, pace=pace)
