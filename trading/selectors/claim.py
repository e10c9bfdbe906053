"""What a claim reads first, as one batch inside its own transaction.

Story: the claim takes its turn and the account's row is locked, so that claims of one account, and of one person, come
one after the other; then the gate (lease, fence, earlier tries, the market), the halts and the limits, each a statement
of its own in the same round trip. What the checks count is the second batch (`trading.selectors.risk`). Invariant:
exposure is counted from the rows at every claim, never from a counter.
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
from risk.checks.sizes import CLAIMS_AT_ONCE
from risk.claim_reads import halt_of, halts_read, limits_from, limits_read
from risk.selectors import EffectiveState, HeldLimits, scopes_of


class Cash(NamedTuple):
    """Of the account's locked row, µUSD."""

    cash_u: int
    reserved_u: int


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
    fence_token: str | None
    """Of the epoch's fence that is live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who claims what: the parameters of the reads. `is_alone`: no other claim of any account may be under way."""

    account: VenueAccount
    epoch: int
    lease_margin: timedelta
    decision_id: str
    strategy: str
    market_id: str
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class ClaimView:
    """What was read, with the account's row locked. `market` has the columns a claim needs; others load when asked."""

    cash: Cash
    gate: Gate
    market: Market
    halt: EffectiveState
    held: HeldLimits
    is_alone: bool


def claim_reads(who: Claimant) -> list[Statement]:
    """The batch whose answers `view_of` takes. It locks: run it in a transaction, before anything else of the account.

    Raises NotFound, once it is run, for a market that is not in the books.
    """
    scopes = scopes_of(who.account, strategy=who.strategy, market_id=who.market_id)
    return [
        _locked(who),
        Statement(
            _GATES[connection.vendor],
            _parameters(who),
            lambda: NotFound(message=f"There is no market '{who.market_id}'."),
        ),
        halts_read(scopes, game=(_GAME, who.market_id)),
        limits_read(who.account, strategy=who.strategy),
    ]


def view_of(who: Claimant, answers: Sequence[Answer]) -> ClaimView | None:
    """None: the account has no ledger row yet, so nothing was locked."""
    ledgers, gates, halts, limits = answers
    if not ledgers.rows:
        return None
    gate = Gate(*gates.rows[0])
    return ClaimView(
        Cash(*ledgers.rows[0]),
        gate,
        _market_seen(who.market_id, gate),
        halt_of(halts),
        limits_from(who.account, limits),
        who.is_alone or not connection.features.has_select_for_update,
    )


def _locked(who: Claimant) -> Statement:
    """The account's row, after the claim's turn has come; on SQLite the transaction itself is the turn."""
    row = "SELECT cash_u, reserved_u FROM trading_accountledger WHERE venue_account_id = %s"
    if not connection.features.has_select_for_update:
        return Statement(row, [who.account.pk])
    own = who.account.user_id % CLAIMS_AT_ONCE
    first, last = (0, CLAIMS_AT_ONCE - 1) if who.is_alone else (own, own)
    return Statement(f"{_TURN} {row} AND (SELECT count(*) FROM turn) > 0 {locking()}",
                     [_TURNS + first, _TURNS + last, who.account.pk])  # fmt: skip


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


_TURNS = 7_411_000
"""The first of the advisory locks that are the turns; nothing else of ours takes any."""
_TURN = """WITH turn AS MATERIALIZED
  (SELECT pg_advisory_xact_lock(key) FROM generate_series(%s::bigint, %s::bigint) AS key)"""
"""Before any row's lock, and several in their order: nobody who has a row waits for a turn."""

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
  EXISTS (SELECT 1 {_DECIDED} AND status NOT IN ('denied', 'void')),
  (SELECT token FROM trading_venuefence
    WHERE venue_account_id = %(account)s AND epoch = %(epoch)s AND state = 'live')
FROM markets_market m WHERE m.market_id = %(market)s
"""
"""`decision_id <> ''` repeats the partial index's condition: a kept plan needs to see it."""
_GATES = {vendor: _GATE.replace("{soon}", soon) for vendor, soon in _SOON.items()}
_GAME = "(SELECT game_id FROM markets_game WHERE id = (SELECT game_id FROM markets_market WHERE market_id = %s))"
