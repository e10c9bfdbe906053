"""Accounts at the simulated venues: opened and funded on first use, and opened anew when the simulator forgot them."""

from __future__ import annotations

from accounts.models import CREDENTIAL_OF, Mode, User, VenueAccount
from accounts.selectors import accounts_of
from accounts.services import credential_open, credential_store, venue_account_enable, venue_account_open
from core.money import plain_text
from risk.services_limits import limits_set
from trading.engine.database import DatabaseThread
from trading.services.cash import cash_open
from venues.simulator.remote import SimulatedAccount, SimulatorControl
from venues.types import MICRO, Venue

OPENING_CASH_U = 10_000 * MICRO
LOSSES_IN_A_ROW = 50
"""Play money goes on where real money would stop: a losing evening is worth watching too."""
ACTOR = "trader"
KIND_OF = CREDENTIAL_OF


async def ensure_simulated_accounts(*, user: User, control: SimulatorControl, database: DatabaseThread) -> None:
    """One known, enabled account at each venue. Raises what the control port raises when it does not answer."""
    rows = await database.call(accounts_of, user, mode=Mode.SIMULATED)
    for venue in Venue:
        known = [row for row in rows if row.venue == venue]
        if any([await _is_known(row, control, database) for row in known]):
            continue
        for row in known:
            await database.call(venue_account_enable, account=row, is_enabled=False, actor=ACTOR)
        made = await control.open_account(venue, balance_usd=plain_text(OPENING_CASH_U))
        await database.call(_keep, user, made)


async def _is_known(row: VenueAccount, control: SimulatorControl, database: DatabaseThread) -> bool:
    secrets = await database.call(
        credential_open, account=row, kind=KIND_OF[Venue(row.venue)], purpose="recognise", actor=ACTOR
    )
    return await control.knows_account(secrets["account_id"].reveal_text())


def _keep(user: User, made: SimulatedAccount) -> None:
    row = venue_account_open(
        user=user,
        venue=made.venue,
        mode=Mode.SIMULATED,
        account_key=made.account_key,
        label=f"Simulated {made.venue.title()}",
        actor=ACTOR,
    )
    credential_store(
        account=row,
        kind=KIND_OF[made.venue],
        secrets={name: str(value) for name, value in made.credentials.items()},
        public_id=made.account_key,
        actor=ACTOR,
    )
    cash_open(venue_account=row, amount_u=OPENING_CASH_U)
    limits_set(venue_account=row, actor=ACTOR, max_losses_in_a_row=LOSSES_IN_A_ROW)
