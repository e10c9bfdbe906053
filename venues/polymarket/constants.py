"""Hosts, contracts, protocol words and published limits of Polymarket (international, chain 137), as of October 2026.

Sources: https://docs.polymarket.com (CLOB, rate limits, fees) and the official SDK `polymarket-client` 0.14.0.
"""

from __future__ import annotations

import msgspec

from venues.ports import Capabilities, FenceKind
from venues.types import Venue

MARKET_ID_PREFIX = "polymarket:"
USER_AGENT = "courtside/1"
"""Cloudflare refuses library defaults with 403, and Gamma some calls without any."""

CHAIN_ID = 137
ZERO_BYTES32 = "0x" + "00" * 32
END_CURSOR = "LTE="
FIRST_CURSOR = "MA=="

CAPABILITIES = Capabilities(
    venue=Venue.POLYMARKET,
    fence=FenceKind.HEARTBEAT,
    order_id_known_before_send=True,
    fills_settle_later=True,
    nets_yes_and_no=False,
    can_amend=False,
    can_decrease=False,
    can_cancel_on_pause=False,
    has_taker_delay=True,
    reduce_only_native=False,
    max_client_order_id_len=64,
    forgets_ended_orders=True,
    expiry_proves_end_ms=65_000,
    beat_every_s=5.0,
)

"""`expiry_proves_end_ms`: an order is sent with an expiration a minute after its own end (`GTD_SECURITY_MS`); past it
the venue refuses the order as invalid. Five seconds are for clocks that differ."""

CTF_EXCHANGE_V2 = "0xE111180000d2663C0091e4f400237545B87B996B"
NEG_RISK_EXCHANGE_V2 = "0xe2222d279d744050d28e00520010520000310F59"
EXCHANGE_V3 = "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"

UMA_ADAPTER = "0x65070BE91477460D8A7AeEb94ef92fe056C2f2A7"
NEG_RISK_ADAPTER = "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296"
USDC_E = "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174"
WRAPPED_COLLATERAL = "0x3A3BD7bb9528E159577F7C2e685CC81A765002E2"

TICK_AMOUNT_DECIMALS = {100_000: 3, 10_000: 4, 5_000: 5, 2_500: 6, 1_000: 5, 100: 6}
"""Tick in µUSD → decimals of an amount at that tick (size decimals are always 2)."""

SIZE_STEP_U = 10_000
MARKETABLE_BUY_MIN_U = 1_000_000
FEE_QUANTUM_U = 10
GTD_SECURITY_MS = 60_000
"""The venue takes a GTD order off one minute before the expiration it was sent with."""

MAX_CANCEL_IDS = 1000
MAX_BOOKS = 500
ASSETS_PER_SOCKET = 200
"""Beyond 500 no snapshots arrive and nothing says so; 200 leaves room."""

KEEPALIVE_EVERY_S = 10.0
SILENCE_S = 30.0


class PolymarketEndpoints(msgspec.Struct, frozen=True):
    """Where the venue lives. `ws_url` is the base: `/ws/market` and `/ws/user` are below it."""

    clob_url: str
    gamma_url: str
    data_url: str
    ws_url: str
    sports_ws_url: str


PRODUCTION = PolymarketEndpoints(
    clob_url="https://clob.polymarket.com",
    gamma_url="https://gamma-api.polymarket.com",
    data_url="https://data-api.polymarket.com",
    ws_url="wss://ws-subscriptions-clob.polymarket.com",
    sports_ws_url="wss://sports-api.polymarket.com/ws",
)


class Bucket(msgspec.Struct, frozen=True):
    """A token bucket: burst and tokens per second."""

    burst: float
    per_s: float


SIGNER_TIERS: dict[str, tuple[Bucket, Bucket]] = {
    "standard": (Bucket(60, 40), Bucket(120, 80)),
    "copper": (Bucket(90, 60), Bucket(180, 120)),
    "bronze": (Bucket(120, 80), Bucket(240, 160)),
    "silver": (Bucket(300, 200), Bucket(600, 400)),
    "gold": (Bucket(600, 400), Bucket(1200, 800)),
    "platinum": (Bucket(675, 450), Bucket(1350, 900)),
    "diamond": (Bucket(787, 525), Bucket(1575, 1050)),
    "elite": (Bucket(900, 600), Bucket(1800, 1200)),
}
"""Tier → (orders, cancels) per signer, enforced since August 2026."""

IP_BUCKETS: dict[str, Bucket] = {
    "clob.read": Bucket(1500, 150),
    "clob.books": Bucket(500, 50),
    "clob.terms": Bucket(200, 20),
    "clob.ledger": Bucket(500, 50),
    "clob.balance": Bucket(200, 20),
    "clob.balance_update": Bucket(50, 5),
    "clob.auth": Bucket(100, 10),
    "gamma": Bucket(300, 30),
    "data": Bucket(150, 15),
}
"""Per address: the smallest published limit of the calls that share a bucket (limits are per 10 s)."""
