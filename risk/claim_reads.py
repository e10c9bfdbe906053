"""What a claim reads of the risk tables, as statements for its batch of reads: the halts of its scopes, its limits.

Invariant: they run inside the claim's own transaction, after the account's row is locked, so a halt or a limit that
was committed before the claim's batch began holds for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from accounts.models import VenueAccount
from core.sql import Answer, Statement
from risk.limits import NAMES, Level
from risk.models import HaltScope, HaltState, TradingHalt
from risk.selectors import EffectiveState, HeldLimits, Scope, held_of, strictest

_HALT_COLUMNS = ("scope", "scope_key", "state", "reason", "code", "flatten")
_NAMES = ", ".join(NAMES)
_LIMITS = f"""
    SELECT 'account' AS level, losses_counted_from, {_NAMES} FROM risk_accountlimits WHERE venue_account_id = %s
    UNION ALL SELECT level, NULL, {_NAMES} FROM risk_levellimits
    WHERE (level = 'venue' AND key = %s) OR (level = 'strategy' AND key = %s)
"""


def halts_read(scopes: Sequence[Scope], *, game: tuple[str, str]) -> Statement:
    """Every cause that stops one of the scopes now, or the game that `game` (SQL with one parameter) names."""
    sql, of_game = game
    return Statement(_halts_sql(len(scopes), sql), [*(str(part) for scope in scopes for part in scope), of_game])


@cache
def _halts_sql(scopes: int, game: str) -> str:
    where = " OR ".join(["(scope = %s AND scope_key = %s)"] * scopes)
    where += f" OR (scope = '{HaltScope.GAME.value}' AND scope_key = {game})"
    columns = ", ".join(_HALT_COLUMNS)
    return f"SELECT {columns} FROM risk_tradinghalt WHERE ({where}) AND state <> '{HaltState.ACTIVE.value}'"


def halt_of(answer: Answer) -> EffectiveState:
    """The strictest of them."""
    return strictest(TradingHalt(**dict(zip(_HALT_COLUMNS, row, strict=True))) for row in answer.rows)


def limits_read(account: VenueAccount, *, strategy: str) -> Statement:
    """What each level says, for `limits_from`."""
    return Statement(_LIMITS, [account.pk, str(account.venue), strategy])


def limits_from(account: VenueAccount, answer: Answer) -> HeldLimits:
    """`losses_counted_from` is as the driver gives it: to be handed back to the database."""
    return held_of(account, [(Level(row[0]), row[1], row[2:]) for row in answer.rows])
