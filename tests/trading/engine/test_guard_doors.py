"""Which accounts the guard may act on: those whose orders are ours, and never the one behind a paper account's key."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import override_settings

from accounts.models import Mode, VenueAccount
from accounts.services import credential_store
from tests.builders import an_account, an_epoch
from tests.venues.kalshi.conftest import pem_of
from trading.engine.database import DatabaseThread
from trading.engine.guard_cancel import GuardCanceller
from trading.engine.simulated import KIND_OF
from trading.selectors.stops import traded_accounts
from venues.registry import simulated_endpoints
from venues.types import Venue


@pytest.mark.parametrize(("mode", "doors"), [(Mode.PAPER, 0), (Mode.SIMULATED, 1)])
async def test_the_guard_has_no_door_to_the_venue_of_a_paper_account(
    shared_database: None, tmp_path: Path, mode: Mode, doors: int
):
    """Its key may be a person's real one: to cancel all with it would take off orders that are not ours."""
    database = DatabaseThread("test")
    canceller = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(1))
    with override_settings(TRADING_MODE=mode.value):
        await database.call(a_traded_account, mode)
        assert len(await database.call(traded_accounts)) == 1
        await canceller.open_doors(database)
    assert len(canceller.doors) == doors
    await canceller.aclose()
    await database.close()


def a_traded_account(mode: Mode) -> None:
    account = an_account()
    VenueAccount.objects.update(mode=mode)
    account.refresh_from_db()
    secrets = {"key_id": "k", "private_key": pem_of(Ed25519PrivateKey.generate())}
    credential_store(account=account, kind=KIND_OF[Venue.KALSHI], secrets=secrets, public_id="k", actor="ann")
    an_epoch(account)
