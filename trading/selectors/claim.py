"""What a claim reads first, as one batch inside its own transaction.

Story: the account's row is locked, so that claims of one account come one after the other; then the gate (lease,
earlier tries, the market), the halts and the limits, each a statement of its own in the same round trip. What the
checks count is the second batch (`trading.selectors.risk`). Invariant: exposure is counted from the rows at every
claim, never from a counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import VenueAccount
from core.errors import NotFound
from core.sql import Answer, Statement, locking
from markets.models import Game, Market
from risk.claim_reads import halt_of, halts_read, limits_from, limits_read
from risk.selectors import EffectiveState, HeldLimits, scopes_of
from trading.models import AccountLedger


class Gate(NamedTuple):
    """One row of `_GATE`, in its order."""

    market_pk: int
    market_state: str
    league: str
    game_pk: int | None
    game_id: str | None
    holds_lease: bool
    attempts: int
    has_live_order: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who claims what: the parameters of the reads."""

    account: VenueAccount
    epoch: int
    lease_margin: timedelta
    decision_id: str
    strategy: str
    market_id: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """What was read, with the account's row locked. `market` has the columns a claim needs; others load when asked."""

    ledger: AccountLedger
    gate: Gate
    market: Market
    halt: EffectiveState
    held: HeldLimits


def claim_reads(who: Claimant) -> list[Statement]:
    """The batch whose answers `view_of` takes. It locks: run it in a transaction, before anything else of the account.

    Raises NotFound, once it is run, for a market that is not in the books.
    """
    scopes = scopes_of(who.account, strategy=who.strategy, market_id=who.market_id)
    game = "(SELECT game_id FROM markets_game WHERE id = (SELECT game_id FROM markets_market WHERE market_id = %s))"
    lock = f"SELECT id, cash_u, reserved_u FROM trading_accountledger WHERE venue_account_id = %s {locking()}"
    return [
        Statement(lock, [who.account.pk]),
        Statement(
            _GATE.replace("{soon}", _SOON[connection.vendor]),
            _parameters(who),
            lambda: NotFound(message=f"There is no market '{who.market_id}'."),
        ),
        halts_read(scopes, game=(game, who.market_id)),
        limits_read(who.account, strategy=who.strategy),
    ]


def view_of(who: Claimant, answers: Sequence[Answer]) -> ClaimView | None:
    """None: the account has no ledger row yet, so nothing was locked."""
    ledgers, gates, halts, limits = answers
    if not ledgers.rows:
        return None
    row = dict(zip(("id", "cash_u", "reserved_u"), ledgers.rows[0], strict=True))
    gate = Gate(*gates.rows[0])
    return ClaimView(
        AccountLedger(venue_account_id=who.account.pk, **row),
        gate,
        _market_seen(who.market_id, gate),
        halt_of(halts),
        limits_from(who.account, limits),
    )


def _market_seen(market_id: str, gate: Gate) -> Market:
    alias = connection.alias
    columns = [
        "id",
        "market_id",
        "league",
        "state",
        "game_id",
    ]  # in the order of the model's fields: Django asks for it
    market = Market.from_db(alias, columns, [gate.market_pk, market_id, gate.league, gate.market_state, gate.game_pk])
    market.game = Game.from_db(alias, ["id", "game_id"], [gate.game_pk, gate.game_id]) if gate.game_pk else None
    return market


def _parameters(who: Claimant) -> dict[str, Any]:
    return {
        "account": who.account.pk,
        "epoch": who.epoch,
        "margin_s": int(who.lease_margin.total_seconds()),
        "decision": who.decision_id,
        "market": who.market_id,
    }


_SOON = {
    "postgresql": "statement_timestamp() + %(margin_s)s * interval '1 second'",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+' || %(margin_s)s || ' seconds')",
}
"""The database's own clock, in its own words, a margin from now."""

_DECIDED = """FROM trading_order
    WHERE venue_account_id = %(account)s AND decision_id <> '' AND decision_id = %(decision)s"""
_GATE = f"""
SELECT
  m.id, m.state, m.league, m.game_id,
  (SELECT game_id FROM markets_game WHERE id = m.game_id),
  EXISTS (SELECT 1 FROM trading_traderlease
    WHERE venue_account_id = %(account)s AND epoch = %(epoch)s AND expires_at > {{soon}}),
  (SELECT count(*) {_DECIDED}),
  EXISTS (SELECT 1 {_DECIDED} AND status NOT IN ('denied', 'void'))
FROM markets_market m WHERE m.market_id = %(market)s
"""
"""`decision_id <> ''` repeats the partial index's condition: a kept plan needs to see it."""
