"""Accounts at the simulated venues: opened and funded on first use, and opened anew when the simulator forgot them.

Invariant: an account and its credential are committed together, the opening cash last. What a start finds half made it
makes whole: an account that has no credential is switched off and replaced, one without cash is furnished.
"""

from __future__ import annotations

from accounts.models import CREDENTIAL_OF, Mode, User, VenueAccount
from accounts.selectors import accounts_of
from accounts.services import credential_open, venue_account_enable, venue_account_open
from core.errors import NotFound
from core.money import plain_text
from risk.services_limits import limits_set
from trading.engine.database import DatabaseThread
from trading.selectors.ledgers import opening_cash_u
from trading.services.cash import cash_open
from venues.simulator.remote import SimulatedAccount, SimulatorControl
from venues.types import MICRO, Venue

OPENING_CASH_U = 10_000 * MICRO
LOSSES_IN_A_ROW = 50
"""Play money goes on where real money would stop: a losing evening is worth watching too."""
ACTOR = "trader"
KIND_OF = CREDENTIAL_OF


async def ensure_simulated_accounts(*, user: User, control: SimulatorControl, database: DatabaseThread) -> None:
    """One known, enabled account at each venue. Raises what the control port raises when it does not answer, and
    Unavailable for credentials of another key."""
    rows = await database.call(accounts_of, user, mode=Mode.SIMULATED)
    for venue in Venue:
        ours = [row for row in rows if row.venue == venue]
        known = [row for row in ours if await _is_known(row, control, database)]
        for row in known:
            await database.call(_furnish, row)
        if known:
            continue
        for row in ours:
            await database.call(venue_account_enable, account=row, is_enabled=False, actor=ACTOR)
        made = await control.open_account(venue, balance_usd=plain_text(OPENING_CASH_U))
        await database.call(_keep, user, made)


async def _is_known(row: VenueAccount, control: SimulatorControl, database: DatabaseThread) -> bool:
    try:
        secrets = await database.call(
            credential_open, account=row, kind=KIND_OF[Venue(row.venue)], purpose="recognise", actor=ACTOR
        )
    except NotFound:
        return False
    return await control.knows_account(secrets["account_id"].reveal_text())


def _keep(user: User, made: SimulatedAccount) -> None:
    row = venue_account_open(
        user=user,
        venue=made.venue,
        mode=Mode.SIMULATED,
        account_key=made.account_key,
        label=f"Simulated {made.venue.title()}",
        secrets={name: str(value) for name, value in made.credentials.items()},
        actor=ACTOR,
    )
    _furnish(row)


def _furnish(row: VenueAccount) -> None:
    """Its limits and, as the sign that all is done, its cash; once."""
    if opening_cash_u(row):
        return
    limits_set(venue_account=row, actor=ACTOR, max_losses_in_a_row=LOSSES_IN_A_ROW)
    cash_open(venue_account=row, amount_u=OPENING_CASH_U)
