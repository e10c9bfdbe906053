"""What the child of a run does with Django: a user who trades eagerly, a person's own order, the end of trading."""

from __future__ import annotations

import asyncio
from datetime import datetime

from django.db import connection

from accounts.models import User, VenueAccount
from accounts.services import credential_open
from core.clock import now_ms
from markets.models import Market
from risk.models import AccountLimits, HaltScope, HaltState
from risk.services import halt_set
from tests import books
from tests.books import Key
from tests.trading.engine.stand import EAGER, _loosen
from trading.engine.database import DatabaseThread
from trading.engine.simulated import KIND_OF, ensure_simulated_accounts
from trading.models import Order, SportConfig, TraderState, TraderStatus
from trading.services.demo import demo_desk_ensure
from trading.services.reconciliation import reconciliation_ask
from venues.errors import VenueError
from venues.ports import OrderRequest
from venues.readers import simulated_endpoints
from venues.registry import open_account
from venues.simulator.remote import SimulatorControl
from venues.types import MICRO, MarketState, Outcome, Side, TimeInForce, Venue

PERSONS_PRICE_U = 10_000
OPEN_AT_ONCE = 4
"""In each of two accounts: ten orders without an answer halt everything until people have looked (PT-21), and here
nobody looks."""


def open_desk(*, control_port: int) -> User:
    """A user with accounts at the simulated venues, whose trader finds a dip in nearly every price."""
    user = User.objects.create_user("demo@example.org")
    demo_desk_ensure(user=user)
    SportConfig.objects.filter(user=user).update(**EAGER)

    async def accounts() -> None:
        database, control = DatabaseThread("stage"), SimulatorControl(port=control_port)
        await ensure_simulated_accounts(user=user, control=control, database=database)
        await database.call(_loosen)
        await control.aclose()
        await database.close()

    asyncio.run(accounts())
    deny_everything(is_on=False)
    return user


def is_trading_since(began: datetime) -> bool:
    """A trader has told since then that it read and compared everything and runs."""
    return TraderState.objects.filter(status=TraderStatus.RUNNING, heartbeat_at__gt=began).exists()


def orders_claimed() -> int:
    return Order.objects.count()


def has_row_locks() -> bool:
    """False where one writer keeps all others waiting (SQLite): a stopped one may keep them waiting until it goes on
    or dies."""
    return connection.features.has_select_for_update


def on_their_way() -> set[Key]:
    """Orders without an answer now."""
    with connection.cursor() as cursor:
        return books.on_their_way(cursor)


def ask_to_compare() -> None:
    """As a person does on the page of an account."""
    for account in VenueAccount.objects.filter(is_enabled=True):
        reconciliation_ask(venue_account=account, actor="test")


def deny_everything(*, is_on: bool) -> None:
    AccountLimits.objects.update(max_open_orders=0 if is_on else OPEN_AT_ONCE)


def person_orders(*, port: int, number: int) -> bool:
    """An order at the venue that no trader decided on, by the account's own key; it rests at a cent. False while no
    market is known that takes it."""
    rows = Market.objects.filter(venue=Venue.KALSHI, state=MarketState.OPEN)
    market = rows.order_by("-game_starts_at").first()
    if market is None:
        return False
    account = VenueAccount.objects.get(venue=Venue.KALSHI, is_enabled=True)
    secrets = credential_open(account=account, kind=KIND_OF[Venue.KALSHI], purpose="test", actor="test")

    async def place() -> None:
        reader, gateway = open_account(
            Venue.KALSHI,
            endpoints=simulated_endpoints(port),
            secrets={name: secret.reveal_text() for name, secret in secrets.items()},
            account=account.account_key,
            market_of={market.market_id: market.venue_market}.get,
            clock_ms=now_ms,
        )
        await gateway.place(gateway.prepare(_order_of_a_person(market, number)))
        await reader.aclose()
        await gateway.aclose()

    try:
        asyncio.run(place())
    except VenueError:
        return False
    return True


def stop_trading() -> None:
    """As an operator does: everything of ours is canceled, and nothing new is sent."""
    halt_set(
        scope=HaltScope.GLOBAL,
        scope_key="",
        state=HaltState.HALTED,
        code="manual",
        reason="the run is over",
        actor="test",
    )


def _order_of_a_person(market: Market, number: int) -> OrderRequest:
    return OrderRequest(
        client_order_id=f"by-hand-{number}",
        market=market.venue_market,
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=PERSONS_PRICE_U,
        qty_u=MICRO,
        time_in_force=TimeInForce.GTC,
        created_ms=now_ms(),
    )
