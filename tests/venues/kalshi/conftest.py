"""Keys, recorded replies and listings that the Kalshi tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from venues.kalshi.constants import KalshiKey
from venues.kalshi.values import Routing
from venues.types import MarketKind, PriceBand, Venue, VenueMarket


def pem_of(private_key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> str:
    """PKCS#8: both kinds of key under the same label."""
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def kalshi_key(ed25519_key: Ed25519PrivateKey) -> KalshiKey:
    return KalshiKey("7f1b-key", pem_of(ed25519_key))


@pytest.fixture(scope="session")
def samples(shared: Path) -> Path:
    return shared / "venues" / "kalshi" / "samples"


@pytest.fixture(scope="session")
def demo(samples: Path) -> Path:
    """Replies of the demo exchange, verbatim."""
    return samples / "fortuna-demo-2026-06-11"


@pytest.fixture(scope="session")
def cockpit(samples: Path) -> Path:
    """Replies and frames of the production exchange, wrapped in notes."""
    return samples / "kalshi-cockpit"


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def listed(ticker: str = "KXNBAGAME-26OCT20OKCSAS-OKC", *, shard: int = 0, step_u: int = 10_000) -> VenueMarket:
    """A market as the catalogue would give it."""
    return VenueMarket(
        market_id=f"kalshi:{ticker}",
        venue=Venue.KALSHI,
        native_id=ticker,
        event_id=ticker.rpartition("-")[0],
        kind=MarketKind.MONEYLINE,
        league="nba",
        title="Oklahoma City vs San Antonio",
        yes_label="Oklahoma City",
        no_label="not Oklahoma City",
        bands=(PriceBand(0, 1_000_000, step_u),),
        routing=Routing(shard=shard, series="KXNBAGAME").to_text(),
    )
