"""Which accounts the guard may act on, and by which key: those whose orders are ours, never the one behind a paper
account's key, and all of them whatever one account's key comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import override_settings

from accounts.models import Credential, Mode, VenueAccount
from accounts.services import credential_store
from audit.models import AuditEntry
from core import clock
from notifications.models import Alert
from risk.models import HaltScope, HaltState, TradingHalt
from risk.receipts import GUARD
from risk.services import halt_set
from tests.builders import a_user, an_account, an_epoch
from tests.venues.kalshi.conftest import pem_of
from trading.engine.database import DatabaseThread
from trading.engine.guard_cancel import GuardCanceller
from trading.engine.paper import journal_path
from trading.engine.simulated import KIND_OF
from trading.engine.stopper import Stopper
from trading.selectors.stops import traded_accounts, why_not_rearm
from venues.paper.at_rest import PaperAtRest
from venues.paper.journal import FileJournal
from venues.registry import simulated_endpoints
from venues.types import Venue


@pytest.mark.parametrize(("mode", "is_venue"), [(Mode.PAPER, False), (Mode.SIMULATED, True)])
async def test_the_guard_has_no_door_to_the_venue_of_a_paper_account(
    shared_database: None, tmp_path: Path, mode: Mode, is_venue: bool
):
    """Its key may be a person's real one: to cancel all with it would take off orders that are not ours."""
    database = DatabaseThread("test")
    canceller = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(1))
    with override_settings(TRADING_MODE=mode.value):
        account = await database.call(a_traded_account, mode)
        FileJournal(journal_path(tmp_path, account)).close()
        assert len(await database.call(traded_accounts)) == 1
        await canceller.open_doors(database)
    (door,) = canceller.doors
    assert [isinstance(one, PaperAtRest) for one in (door.reader, door.gateway)] == [not is_venue] * 2
    assert await database.call(uses_of_keys) == int(is_venue)
    await canceller.aclose()
    await database.close()


@pytest.fixture
async def guard(shared_database: None, tmp_path: Path) -> AsyncIterator[tuple[GuardCanceller, DatabaseThread]]:
    database = DatabaseThread("test")
    canceller = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(1))
    yield canceller, database
    await canceller.aclose()
    await database.close()


async def test_a_paper_account_that_is_not_kept_here_holds_up_no_rearming(
    guard: tuple[GuardCanceller, DatabaseThread], tmp_path: Path
):
    """Its journal is gone, or another host's: here nobody can say what rests, and nobody is asked."""
    canceller, database = guard
    with override_settings(TRADING_MODE=Mode.PAPER.value):
        account = await database.call(a_traded_account, Mode.PAPER)
        await canceller.open_doors(database)
        stop = await database.call(halted)
        await Stopper(doors=lambda: canceller.doors, database=database, by=GUARD).look()
        assert await database.call(why_not_rearm, stop) == []
        FileJournal(journal_path(tmp_path, account)).close()
        await canceller.open_doors(database)
        assert len(canceller.doors) == 1


@pytest.mark.parametrize("trouble", ["none", "unreadable"])
async def test_an_account_without_a_usable_key_closes_no_door_but_its_own_and_is_told(
    guard: tuple[GuardCanceller, DatabaseThread], trouble: str
):
    canceller, database = guard
    keyless = await database.call(an_account_without_a_usable_key, trouble)
    sound = await database.call(a_traded_account, Mode.SIMULATED)
    for _ in range(2):
        await canceller.open_doors(database)
    assert [door.row for door in canceller.doors] == [sound]
    assert await database.call(told) == [str(keyless.uid)]


async def test_a_key_that_was_rotated_opens_the_door_anew_and_one_that_was_revoked_leaves_it(
    guard: tuple[GuardCanceller, DatabaseThread],
):
    canceller, database = guard
    account = await database.call(a_traded_account, Mode.SIMULATED)
    await canceller.open_doors(database)
    (first,) = canceller.doors
    await canceller.open_doors(database)
    assert canceller.doors == [first] and canceller.doors[0] is first, "the key is the same: so is the door"
    await database.call(a_new_key, account)
    await canceller.open_doors(database)
    (second,) = canceller.doors
    assert second.key != first.key and second.gateway is not first.gateway
    await database.call(revoke)
    await canceller.open_doors(database)
    assert canceller.doors == [second] and await database.call(told) == [str(account.uid)]


async def test_a_key_that_opens_no_door_is_used_once_and_left_alone_and_another_one_is_tried_at_once(
    guard: tuple[GuardCanceller, DatabaseThread],
):
    canceller, database = guard
    account = await database.call(an_account_without_a_usable_key, "unreadable")
    for _ in range(3):
        await canceller.open_doors(database)
    assert (canceller.doors, await database.call(uses_of_keys)) == ([], 1)
    await database.call(a_new_key, account)
    await canceller.open_doors(database)
    assert ([door.row for door in canceller.doors], await database.call(uses_of_keys)) == ([account], 2)


def a_traded_account(mode: Mode) -> VenueAccount:
    account = an_account(a_user(f"user-{uuid4()}@example.org"))
    VenueAccount.objects.filter(pk=account.pk).update(mode=mode)
    account.refresh_from_db()
    a_new_key(account)
    an_epoch(account)
    return account


def halted() -> TradingHalt:
    return halt_set(
        scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code="x", reason="y", actor="op@x.org"
    )


def an_account_without_a_usable_key(trouble: str) -> VenueAccount:
    account = an_account()
    if trouble == "unreadable":
        secrets = {"key_id": "k", "private_key": "no key at all"}
        credential_store(account=account, kind=KIND_OF[Venue.KALSHI], secrets=secrets, public_id="k", actor="ann")
    an_epoch(account)
    return account


def a_new_key(account: VenueAccount) -> None:
    secrets = {"key_id": "k", "private_key": pem_of(Ed25519PrivateKey.generate())}
    credential_store(account=account, kind=KIND_OF[Venue.KALSHI], secrets=secrets, public_id="k", actor="ann")


def revoke() -> None:
    Credential.objects.update(revoked_at=clock.now())


def uses_of_keys() -> int:
    return AuditEntry.objects.filter(kind="credential.used").count()


def told() -> list[str]:
    """Accounts of which the operators heard that the guard has no usable key."""
    return list(Alert.objects.filter(code="guard_has_no_door", user=None).values_list("subject_uid", flat=True))
