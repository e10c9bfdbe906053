"""Opens the door through which anybody may read an account; knows where the venues live and what secrets they want.

Whoever imports this module, and not `venues.registry`, cannot place or cancel an order, not even by mistake: no order
gateway is imported here, directly or indirectly (an import contract). Secrets come as the mapping the credential vault
keeps (`SECRET_NAMES`) and go no further than the adapter. `VenueEndpoints` says where the venues live: for real, or on
the ports of a simulator.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from venues.errors import AuthFailed
from venues.espn.constants import PRODUCTION as ESPN_PRODUCTION
from venues.kalshi.budget import Budget
from venues.kalshi.client_account import KalshiAccount
from venues.kalshi.constants import PRODUCTION as KALSHI_PRODUCTION
from venues.kalshi.constants import KalshiEndpoints, KalshiKey
from venues.kalshi.sign import load_private_key
from venues.polymarket.account import PolymarketAccount
from venues.polymarket.allowances import Allowances
from venues.polymarket.constants import PRODUCTION as POLYMARKET_PRODUCTION
from venues.polymarket.constants import PolymarketEndpoints
from venues.polymarket.http import standard_limiter
from venues.polymarket.sign import PolymarketWallet
from venues.ports import AccountReader, FrameTap
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

    kalshi: KalshiEndpoints
    polymarket: PolymarketEndpoints
    espn: str


PRODUCTION = VenueEndpoints(kalshi=KALSHI_PRODUCTION, polymarket=POLYMARKET_PRODUCTION, espn=ESPN_PRODUCTION)


def simulated_endpoints(base_port: int, *, host: str = "127.0.0.1") -> VenueEndpoints:
    """The simulator's five ports from `base_port` on: Kalshi, CLOB, Gamma, Data API, ESPN with the sports socket."""
    http = [f"http://{host}:{base_port + at}" for at in range(5)]
    sockets = [url.replace("http://", "ws://") for url in http]
    return VenueEndpoints(
        kalshi=KalshiEndpoints(
            rest_url=f"{http[0]}/trade-api/v2",
            ws_url=f"{sockets[0]}/trade-api/ws/v2",
        ),
        polymarket=PolymarketEndpoints(
            clob_url=http[1],
            gamma_url=http[2],
            data_url=http[3],
            ws_url=sockets[1],
            sports_ws_url=f"{sockets[4]}/ws",
        ),
        espn=http[4],
    )


def open_reader(
    venue: Venue,
    *,
    endpoints: VenueEndpoints,
    secrets: Mapping[str, str],
    account: str,
    market_of: MarketOf,
    clock_ms: Callable[[], int],
    tap: FrameTap | None = None,
) -> AccountReader:
    """The reader of one account. `account` is what its reports will call it; raises AuthFailed."""
    if venue is Venue.KALSHI:
        key = kalshi_key(secrets)
        return KalshiAccount(
            endpoints.kalshi,
            key,
            account=account,
            market_of=by_native_id(venue, market_of),
            tap=tap,
            clock_ms=clock_ms,
            budget=kalshi_budget(endpoints.kalshi.rest_url, key.key_id),
        )
    wallet = wallet_of(secrets)
    return PolymarketAccount(
        endpoints.polymarket,
        wallet,
        account=account,
        market_of=by_native_id(venue, market_of),
        tap=tap,
        clock_ms=clock_ms,
        limiter=polymarket_limiter(endpoints.polymarket.clob_url, wallet.address),
        allowances=polymarket_allowances(endpoints.polymarket.clob_url, wallet.funder),
    )


def by_native_id(venue: Venue, market_of: MarketOf) -> MarketOf:
    """Adapters know a market by the venue's own id."""
    return lambda native_id: market_of(f"{venue.value}:{native_id}")


def kalshi_key(secrets: Mapping[str, str]) -> KalshiKey:
    """Raises AuthFailed for a credential that lacks something."""
    _check_complete(Venue.KALSHI, secrets)
    return KalshiKey(key_id=secrets["key_id"], private_key_pem=secrets["private_key"])


def check_public_data_key(venue: Venue, secrets: Mapping[str, str]) -> None:
    """Raises AuthFailed where these are no key with which the venue gives its public data, before they are kept."""
    if venue is not Venue.KALSHI:
        raise AuthFailed(f"{venue.value.title()} gives its public data without a key: leave it out.", code="bad_key")
    load_private_key(kalshi_key(secrets).private_key_pem)


def wallet_of(secrets: Mapping[str, str]) -> PolymarketWallet:
    """Raises AuthFailed for a credential that lacks something."""
    _check_complete(Venue.POLYMARKET, secrets)
    if not secrets["signature_type"].isdigit():
        raise AuthFailed("The Polymarket signature type must be a number from 0 to 3.")
    return PolymarketWallet(
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
def kalshi_budget(rest_url: str, key_id: str) -> Budget:
    """One for all doors of a key at one place, for as long as the program runs."""
    return Budget()


@functools.lru_cache(maxsize=256)
def polymarket_limiter(clob_url: str, address: str) -> RateLimiter:
    return standard_limiter()


@functools.lru_cache(maxsize=256)
def polymarket_allowances(clob_url: str, funder: str) -> Allowances:
    """One for the reader and the gateway of a wallet's money, for as long as the program runs."""
    return Allowances()
