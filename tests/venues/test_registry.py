"""The doors opened by venue name: right addresses, right keys, clear words for a missing secret."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from venues import registry
from venues.errors import AuthFailed
from venues.registry import PRODUCTION, open_account, open_game_feed, open_market_data, simulated_endpoints
from venues.types import Venue, VenueMarket

ENDPOINTS = simulated_endpoints(8900)
PEM = (
    Ed25519PrivateKey.generate()
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
SECRETS = {
    Venue.KALSHI: {"key_id": "k-1", "private_key": PEM},
    Venue.POLYMARKET: {
        "private_key": "0x" + "11" * 32,
        "signature_type": "0",
        "funder": "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A",
        "api_key": "api",
        "secret": "c2VjcmV0",
        "passphrase": "pass",
    },
}


def nobody(market_id: str) -> VenueMarket | None:
    return None


def clock_ms() -> int:
    return 1_700_000_000_000


def test_the_simulators_ports_are_counted_from_the_first() -> None:
    assert ENDPOINTS.kalshi.rest_url == "http://127.0.0.1:8900/trade-api/v2"
    assert ENDPOINTS.kalshi.ws_url == "ws://127.0.0.1:8900/trade-api/ws/v2"
    assert (ENDPOINTS.polymarket.clob_url, ENDPOINTS.polymarket.ws_url) == (
        "http://127.0.0.1:8901",
        "ws://127.0.0.1:8901",
    )
    assert ENDPOINTS.polymarket.gamma_url == "http://127.0.0.1:8902"
    assert ENDPOINTS.polymarket.data_url == "http://127.0.0.1:8903"
    assert (ENDPOINTS.espn, ENDPOINTS.polymarket.sports_ws_url) == ("http://127.0.0.1:8904", "ws://127.0.0.1:8904/ws")


def test_everything_in_production_is_encrypted() -> None:
    for url in (PRODUCTION.kalshi.rest_url, PRODUCTION.polymarket.clob_url, PRODUCTION.espn):
        assert url.startswith("https://")
    assert PRODUCTION.kalshi.ws_url.startswith("wss://")


@pytest.mark.parametrize("venue", list(Venue))
async def test_each_venue_opens_its_three_doors(venue: Venue) -> None:
    feed = open_market_data(venue, endpoints=ENDPOINTS, secrets=SECRETS[venue], clock_ms=clock_ms)
    reader, gateway = open_account(
        venue, endpoints=ENDPOINTS, secrets=SECRETS[venue], account="a1", market_of=nobody, clock_ms=clock_ms
    )
    assert feed.capabilities.venue is reader.capabilities.venue is gateway.capabilities.venue is venue
    assert reader.account == "a1"
    for door in (feed, reader, gateway):
        await door.aclose()


@pytest.mark.parametrize("venue", list(Venue))
@pytest.mark.parametrize("at", [0, 1])
def test_a_missing_secret_is_named(venue: Venue, at: int) -> None:
    name = registry.SECRET_NAMES[venue][at]
    with pytest.raises(AuthFailed, match=name):
        open_account(
            venue,
            endpoints=ENDPOINTS,
            secrets={**SECRETS[venue], name: ""},
            account="a1",
            market_of=nobody,
            clock_ms=clock_ms,
        )


def test_a_signature_type_that_is_no_number_is_refused() -> None:
    with pytest.raises(AuthFailed, match="number from 0 to 3"):
        open_account(
            Venue.POLYMARKET,
            endpoints=ENDPOINTS,
            secrets={**SECRETS[Venue.POLYMARKET], "signature_type": "proxy"},
            account="a1",
            market_of=nobody,
            clock_ms=clock_ms,
        )


async def test_the_game_feed_opens_for_the_leagues_asked_for() -> None:
    feed = open_game_feed(endpoints=ENDPOINTS, leagues=["nba", "mlb"], clock_ms=clock_ms)
    await feed.aclose()
    with pytest.raises(KeyError, match="No league has the code"):
        open_game_feed(endpoints=ENDPOINTS, leagues=["xyz"], clock_ms=clock_ms)
