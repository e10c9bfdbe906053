"""Rows and reports for tests of the ledger, with the smallest sensible defaults. Amounts in millionths."""

from __future__ import annotations

import itertools
from typing import Any

from accounts.models import Mode, User, VenueAccount
from markets.models import Market
from markets.services import market_upsert
from risk.models import AccountLimits
from trading.models import Order
from trading.services.cash import cash_open
from trading.services.claims import OrderIntent, order_claim
from trading.services.lease import lease_acquire
from venues.ports import OrderAck
from venues.types import (
    FillReport,
    MarketKind,
    OrderReport,
    OrderState,
    Outcome,
    SettlementReport,
    SettleState,
    Side,
    TimeInForce,
    Venue,
    VenueMarket,
)

USD = 1_000_000
ONE = 1_000_000
NOON_MS = 1_767_960_000_000  # 2026-01-09 12:00 UTC
_numbers = itertools.count(1)


def a_user(email: str = "ann@example.org") -> User:
    return User.objects.create_user(email)


def an_account(user: User | None = None, *, venue: Venue = Venue.KALSHI, cash_u: int = 10_000 * USD) -> VenueAccount:
    """An account with cash and generous limits."""
    account = VenueAccount.objects.create(
        user=user or a_user(), venue=venue, mode=Mode.SIMULATED, account_key=f"key-{next(_numbers)}"
    )
    cash_open(venue_account=account, amount_u=cash_u)
    AccountLimits.objects.create(
        venue_account=account,
        max_order_usd_u=1_000 * USD,
        max_position_usd_u=5_000 * USD,
        max_exposure_usd_u=9_000 * USD,
        max_open_orders=50,
        max_balance_share_u=1_000_000,
        max_order_qty_u=2_000 * ONE,
        max_exposure_share_u=1_000_000,
        cash_buffer_usd_u=0,
        cash_buffer_share_u=0,
        max_group_usd_u=10_000 * USD,
        max_game_usd_u=6_000 * USD,
        max_daily_loss_share_u=1_000_000,
        max_drawdown_share_u=1_000_000,
        max_entries_10min=100,
        max_entries_day=100,
        max_unknown_market=10,
        max_unknown_account=10,
    )
    return account


def a_listing(name: str = "GAME-HOME", *, venue: Venue = Venue.KALSHI, **changes: Any) -> VenueMarket:
    values: dict[str, Any] = {
        "market_id": f"{venue}:{name}",
        "venue": venue,
        "native_id": name,
        "event_id": "GAME",
        "kind": MarketKind.MONEYLINE,
        "league": "nba",
        "title": "Atlanta at Washington",
        "yes_label": "Washington",
        "no_label": "Atlanta",
    }
    return VenueMarket(**{**values, **changes})


def a_market(name: str = "GAME-HOME", *, venue: Venue = Venue.KALSHI, **changes: Any) -> Market:
    return market_upsert(market=a_listing(name, venue=venue, **changes))


def an_epoch(account: VenueAccount, holder: str = "trader-1") -> int:
    return lease_acquire(venue_account=account, holder=holder).epoch


def an_intent(market: Market, **changes: Any) -> OrderIntent:
    """Buy ten YES at 40 cents, at most $4.20 with the fee; each for a cause of its own."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "decision_id": f"decision-{number}",
        "cause": f"cause-{number}",
        "strategy": "dip_reversion",
        "purpose": "entry",
        "market_id": market.market_id,
        "side": Side.BUY,
        "outcome": Outcome.YES,
        "price_u": 400_000,
        "qty_u": 10 * ONE,
        "time_in_force": TimeInForce.GTC,
        "created_ms": NOON_MS,
        "max_cost_u": 4_200_000,
    }
    return OrderIntent(**{**values, **changes})


def a_claimed_order(account: VenueAccount, market: Market, **changes: Any) -> Order:
    return order_claim(venue_account=account, lease_epoch=an_epoch(account), intent=an_intent(market, **changes))


def an_ack(order: Order, state: OrderState = OrderState.RESTING, *, filled_u: int = 0) -> OrderAck:
    return OrderAck(
        venue_order_id=f"v-{order.client_order_id}",
        state=state,
        filled_u=filled_u,
        remaining_u=order.qty_u - filled_u,
        venue_ms=NOON_MS + 100,
        raw=b"{}",
    )


def an_order_report(order: Order, state: OrderState, *, filled_u: int = 0, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "venue": Venue(order.venue_account.venue),
        "account": order.venue_account.account_key,
        "venue_order_id": f"v-{order.client_order_id}",
        "client_order_id": order.client_order_id,
        "market_id": order.market.market_id,
        "state": state,
        "filled_u": filled_u,
        "remaining_u": order.qty_u - filled_u,
        "venue_ms": NOON_MS + 500,
    }
    return OrderReport(**{**values, **changes})


def a_fill(account: VenueAccount, market: Market, *, order: Order | None = None, **changes: Any) -> FillReport:
    number = next(_numbers)
    values: dict[str, Any] = {
        "venue": Venue(account.venue),
        "account": account.account_key,
        "trade_id": f"t-{number}",
        "leg": "",
        "venue_order_id": order.venue_order_id if order else "",
        "client_order_id": order.client_order_id if order else "",
        "market_id": market.market_id,
        "side": Side.BUY,
        "outcome": Outcome.YES,
        "price_u": 400_000,
        "qty_u": 10 * ONE,
        "fee_u": 170_000,
        "is_taker": True,
        "settle_state": SettleState.CONFIRMED,
        "venue_ms": NOON_MS + number,
    }
    return FillReport(**{**values, **changes})


def a_settlement(
    account: VenueAccount, market: Market, *, value_u: int, yes_u: int = 0, no_u: int = 0, **changes: Any
) -> SettlementReport:
    values: dict[str, Any] = {
        "venue": Venue(account.venue),
        "account": account.account_key,
        "market_id": market.market_id,
        "value_u": value_u,
        "yes_qty_u": yes_u,
        "no_qty_u": no_u,
        "payout_u": (yes_u * value_u + no_u * (USD - value_u)) // USD,
        "venue_ms": NOON_MS + 10_000_000,
    }
    return SettlementReport(**{**values, **changes})
