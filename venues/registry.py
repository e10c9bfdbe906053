"""Opens the doors of a venue by its name, so that nobody outside this package asks which venue it is.

A door is one object of `ports`: market data, account, orders. All doors of one key share one rate limiter, because the
venue counts their requests together. Secrets come as the mapping the credential vault keeps (`SECRET_NAMES`) and go no
further than the adapter. `VenueEndpoints` says where the venues live: for real, or on the ports of a simulator.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from venues.errors import AuthFailed
from venues.espn.client import EspnFeed
from venues.espn.constants import PRODUCTION as ESPN_PRODUCTION
from venues.kalshi import client as kalshi
from venues.polymarket import client as polymarket
from venues.polymarket.http import standard_limiter
from venues.ports import AccountReader, FrameTap, MarketDataFeed, OrderGateway
from venues.transport.limiter import RateLimiter
from venues.types import Venue, VenueMarket

MarketOf = Callable[[str], VenueMarket | None]
"""Finds a known market by its `market_id`."""

SECRET_NAMES: Final[Mapping[Venue, tuple[str, ...]]] = {
    Venue.KALSHI: ("key_id", "private_key"),
    Venue.POLYMARKET: ("private_key", "signature_type", "funder", "api_key", "secret", "passphrase"),
}


class VenueEndpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where both venues and the game feed answer."""

    kalshi: kalshi.KalshiEndpoints
    polymarket: polymarket.PolymarketEndpoints
    espn: str


PRODUCTION = VenueEndpoints(kalshi=kalshi.PRODUCTION, polymarket=polymarket.PRODUCTION, espn=ESPN_PRODUCTION)


def simulated_endpoints(base_port: int, *, host: str = "127.0.0.1") -> VenueEndpoints:
    """The simulator's five ports from `base_port` on: Kalshi, CLOB, Gamma, Data API, ESPN with the sports socket."""
    http = [f"http://{host}:{base_port + at}" for at in range(5)]
    sockets = [url.replace("http://", "ws://") for url in http]
    return VenueEndpoints(
        kalshi=kalshi.KalshiEndpoints(
            rest_url=f"{http[0]}/trade-api/v2",
            ws_url=f"{sockets[0]}/trade-api/ws/v2",
        ),
        polymarket=polymarket.PolymarketEndpoints(
            clob_url=http[1],
            gamma_url=http[2],
            data_url=http[3],
            ws_url=sockets[1],
            sports_ws_url=f"{sockets[4]}/ws",
        ),
        espn=http[4],
    )


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
        key = _kalshi_key(secrets)
        return kalshi.KalshiMarketData(
            endpoints.kalshi,
            key,
            tap=tap,
            clock_ms=clock_ms,
            budget=_kalshi_budget(endpoints.kalshi.rest_url, key.key_id),
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
    if venue is Venue.KALSHI:
        return _kalshi_account(endpoints, secrets, account, _by_native_id(venue, market_of), clock_ms, tap)
    return _polymarket_account(endpoints, secrets, account, _by_native_id(venue, market_of), clock_ms, tap)


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


def _kalshi_account(
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    account: str,
    market_of: MarketOf,
    clock_ms: Callable[[], int],
    tap: FrameTap | None,
) -> tuple[AccountReader, OrderGateway]:
    key, place = _kalshi_key(secrets), endpoints.kalshi
    budget = _kalshi_budget(place.rest_url, key.key_id)
    reader = kalshi.KalshiAccount(
        place, key, account=account, market_of=market_of, tap=tap, clock_ms=clock_ms, budget=budget
    )
    return reader, kalshi.KalshiOrders(place, key, account=account, clock_ms=clock_ms, budget=budget)


def _polymarket_account(
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    account: str,
    market_of: MarketOf,
    clock_ms: Callable[[], int],
    tap: FrameTap | None,
) -> tuple[AccountReader, OrderGateway]:
    wallet, place = _wallet(secrets), endpoints.polymarket
    limiter = _polymarket_limiter(place.clob_url, wallet.address)
    reader = polymarket.PolymarketAccount(
        place, wallet, account=account, market_of=market_of, tap=tap, clock_ms=clock_ms, limiter=limiter
    )
    return reader, polymarket.PolymarketOrders(place, wallet, account=account, clock_ms=clock_ms, limiter=limiter)


def _by_native_id(venue: Venue, market_of: MarketOf) -> MarketOf:
    """Adapters know a market by the venue's own id."""
    return lambda native_id: market_of(f"{venue.value}:{native_id}")


def _kalshi_key(secrets: Mapping[str, str]) -> kalshi.KalshiKey:
    _check_complete(Venue.KALSHI, secrets)
    return kalshi.KalshiKey(key_id=secrets["key_id"], private_key_pem=secrets["private_key"])


def _wallet(secrets: Mapping[str, str]) -> polymarket.PolymarketWallet:
    _check_complete(Venue.POLYMARKET, secrets)
    if not secrets["signature_type"].isdigit():
        raise AuthFailed("The Polymarket signature type must be a number from 0 to 3.")
    return polymarket.PolymarketWallet(
        private_key=secrets["private_key"],
        signature_type=int(secrets["signature_type"]),
        funder=secrets["funder"],
        api_key=secrets["api_key"],
        secret=secrets["secret"],
        passphrase=secrets["passphrase"],
    )


def _check_complete(venue: Venue, secrets: Mapping[str, str]) -> None:
    missing = [name for name in SECRET_NAMES[venue] if not secrets.get(name)]
    if missing:
        raise AuthFailed(f"The {venue.value} credential lacks {', '.join(missing)}: enter it again.")


@functools.lru_cache(maxsize=256)
def _kalshi_budget(rest_url: str, key_id: str) -> kalshi.Budget:
    """One for all doors of a key at one place, for as long as the program runs."""
    return kalshi.Budget()


@functools.lru_cache(maxsize=256)
def _polymarket_limiter(clob_url: str, address: str) -> RateLimiter:
    return standard_limiter()
