"""The accounts at the simulated venues are whole after a start, whatever a former start left half made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from accounts.models import Credential, Mode, User, VenueAccount
from accounts.selectors import accounts_of
from accounts.services import venue_account_open
from risk.models import AccountLimits
from trading.engine.database import DatabaseThread
from trading.engine.simulated import ACTOR, LOSSES_IN_A_ROW, OPENING_CASH_U, ensure_simulated_accounts
from trading.models import CashEntry
from trading.selectors.ledgers import opening_cash_u
from venues.simulator.config import SimulatorConfig
from venues.simulator.remote import SimulatorControl
from venues.simulator.simulator import Simulator
from venues.types import Venue


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[SimulatorControl]:
    simulator = Simulator(SimulatorConfig(port=0, games=1))
    await simulator.start()
    control = SimulatorControl(port=simulator.ports.control)
    yield control
    await control.aclose()
    await simulator.stop()


@pytest.fixture
async def database(shared_database: None) -> AsyncIterator[DatabaseThread]:
    database = DatabaseThread("test")
    yield database
    await database.close()


def whole(user: User) -> list[VenueAccount]:
    """The accounts in use: one at each venue, with credential, limits and cash."""
    rows = accounts_of(user, mode=Mode.SIMULATED)
    assert sorted(row.venue for row in rows) == sorted(Venue)
    for row in rows:
        assert Credential.objects.get(venue_account=row).revoked_at is None
        assert AccountLimits.objects.get(venue_account=row).max_losses_in_a_row == LOSSES_IN_A_ROW
        assert opening_cash_u(row) == OPENING_CASH_U
    return rows


async def test_what_a_start_left_half_made_is_replaced_or_completed(
    control: SimulatorControl, database: DatabaseThread
):
    user = await database.call(User.objects.create_user, "ann@example.org")
    keyless = await database.call(
        venue_account_open, user=user, venue=Venue.KALSHI, mode=Mode.SIMULATED, account_key="keyless", actor=ACTOR
    )
    made = await control.open_account(Venue.POLYMARKET, balance_usd="10000")
    penniless = await database.call(
        venue_account_open,
        user=user,
        venue=Venue.POLYMARKET,
        mode=Mode.SIMULATED,
        account_key=made.account_key,
        secrets={name: str(value) for name, value in made.credentials.items()},
        actor=ACTOR,
    )
    for _ in range(2):
        await ensure_simulated_accounts(user=user, control=control, database=database)
        rows = await database.call(whole, user)
    assert penniless in rows and keyless not in rows
    assert await database.call(CashEntry.objects.count) == len(Venue)
