"""An account's numbers in one statement are what its rows say, one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Mode, VenueAccount
from core import clock
from tests.builders import NOON_MS, ONE, a_claimed_order, a_fill, a_market, a_user, an_account
from trading.models import AccountLedger, CashEntry, CashKind, EquityMark, PnlDay, Position
from trading.selectors.account_risk import account_numbers
from trading.services.fills import fill_book
from trading.services.triggers import equity_note
from venues.types import MICRO, Venue

pytestmark = pytest.mark.django_db

AT = clock.from_ms(NOON_MS)


def test_the_numbers_are_the_rows():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    fill_book(venue_account=account, report=a_fill(account, market, order=order, qty_u=4 * ONE))
    PnlDay.objects.create(venue_account=account, day=AT.date(), realized_u=-7)
    PnlDay.objects.create(venue_account=account, day=AT.date() - timedelta(days=1), realized_u=-11)
    equity_note(venue_account=account, numbers=account_numbers(account, at=AT), at=AT)
    told, ledger = account_numbers(account, at=AT, unrealized_u=-5), AccountLedger.objects.get(venue_account=account)
    moved = CashEntry.objects.filter(venue_account=account, kind__in=[CashKind.OPENING, CashKind.EXTERNAL])
    assert told.deposits_u == sum(one.amount_u for one in moved) > 0
    assert (told.money.cash_u, told.money.reserved_u) == (ledger.cash_u, ledger.reserved_u)
    assert told.money.open_cost_u == sum(one.cost_u for one in Position.objects.filter(is_open=True)) > 0
    assert (told.money.realized_today_u, told.money.unrealized_u) == (-7, -5)
    assert told.money.peak_u == EquityMark.objects.get(venue_account=account).peak_u > MICRO


def test_an_account_without_rows_has_nothing():
    account = VenueAccount.objects.create(user=a_user(), venue=Venue.KALSHI, mode=Mode.SIMULATED, account_key="new")
    told = account_numbers(account, at=AT)
    assert (told.deposits_u, told.money.cash_u, told.money.equity_u, told.money.peak_u) == (0, 0, 0, 0)
