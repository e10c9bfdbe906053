"""Every number of a claim's checks in one statement, on SQLite and PostgreSQL alike.

By hand, because they run inside the transaction that stands between a decision and its order: one round trip in place
of a dozen. Amounts are summed as bigints. Parameters: account, market, game, league, strategy, at-dependent times, and
the terms of the order. What an account has behind it makes no claim slower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from core.sql import Answer, Statement


class AccountNumbers(NamedTuple):
    """One row of `ACCOUNT_SQL`, in its order: the account, its day, what it holds. µUSD and µcontracts."""

    is_enabled: bool
    is_user_active: bool
    is_stopped: bool
    has_credential: bool
    peak_u: int
    today_u: int
    strategy_today_u: int
    system_today_u: int
    system_cash_u: int
    system_reserved_u: int
    system_cost_u: int
    venue_reserved_u: int
    venue_cost_u: int
    open_cost_u: int
    market_cost_u: int
    game_cost_u: int
    group_cost_u: int
    held_qty_u: int
    losses_in_a_row: int


class OrderNumbers(NamedTuple):
    """One row of `ORDERS_SQL`, in its order: µUSD, µcontracts, counts."""

    unknown_system: int
    crossed: int
    last_50: int
    rejected_of_50: int
    market_reserved_u: int
    game_reserved_u: int
    group_reserved_u: int
    selling_qty_u: int
    open_orders: int
    unknown_market: int
    unknown_account: int
    twins: int
    entries_10min: int
    entries_day: int
    messages_10min: int
    fills_10min: int


ACCOUNT_SQL = """
SELECT
  account.is_enabled,
  owner.is_active,
  EXISTS (SELECT 1 FROM trading_traderstate t WHERE t.user_id = account.user_id AND t.desired = 'stopped'),
  EXISTS (SELECT 1 FROM accounts_credential c WHERE c.venue_account_id = account.id AND c.revoked_at IS NULL),
  COALESCE((SELECT e.peak_u FROM trading_equitymark e WHERE e.venue_account_id = account.id), 0),
  days.own_u,
  COALESCE((SELECT CAST(SUM(s.realized_u) AS BIGINT) FROM trading_position s
    WHERE s.venue_account_id = %(account)s AND s.strategy = %(strategy)s AND s.closed_at >= %(day_start)s), 0),
  days.system_u,
  everybody.cash_u, everybody.reserved_u, held.system_u, everybody.venue_reserved_u, held.venue_u,
  held.own_u, held.market_u, held.game_u, held.group_u, held.qty_u,
  (SELECT COUNT(*) FROM (
    SELECT MAX(CASE WHEN latest.realized_u < 0 THEN 0 ELSE 1 END) OVER (ORDER BY latest.closed_at DESC, latest.id DESC)
      AS is_over
    FROM (SELECT s.realized_u, s.closed_at, s.id FROM trading_position s
      WHERE s.venue_account_id = %(account)s AND NOT s.is_open AND s.bought_u > 0 AND s.closed_at >= %(losses_from)s
      ORDER BY s.closed_at DESC, s.id DESC LIMIT %(most_losses)s) latest
  ) streak WHERE streak.is_over = 0)
FROM accounts_venueaccount account
JOIN accounts_user owner ON owner.id = account.user_id
CROSS JOIN (
  SELECT
    CAST(COALESCE(SUM(l.cash_u), 0) AS BIGINT) AS cash_u,
    CAST(COALESCE(SUM(l.reserved_u), 0) AS BIGINT) AS reserved_u,
    CAST(COALESCE(SUM(l.reserved_u) FILTER (WHERE o.venue = %(venue)s), 0) AS BIGINT) AS venue_reserved_u
  FROM trading_accountledger l JOIN accounts_venueaccount o ON o.id = l.venue_account_id AND o.mode = %(mode)s
) everybody
CROSS JOIN (
  SELECT
    CAST(COALESCE(SUM(d.realized_u), 0) AS BIGINT) AS system_u,
    CAST(COALESCE(SUM(d.realized_u) FILTER (WHERE o.id = %(account)s), 0) AS BIGINT) AS own_u
  FROM trading_pnlday d JOIN accounts_venueaccount o ON o.id = d.venue_account_id AND o.mode = %(mode)s
  WHERE d.day = %(day)s
) days
CROSS JOIN (
  SELECT
    CAST(COALESCE(SUM(p.cost_u), 0) AS BIGINT) AS system_u,
    CAST(COALESCE(SUM(p.cost_u) FILTER (WHERE p.venue = %(venue)s), 0) AS BIGINT) AS venue_u,
    CAST(COALESCE(SUM(p.cost_u) FILTER (WHERE p.is_own), 0) AS BIGINT) AS own_u,
    CAST(COALESCE(SUM(p.cost_u) FILTER (WHERE p.is_own AND p.is_here), 0) AS BIGINT) AS market_u,
    CAST(COALESCE(SUM(p.cost_u) FILTER (WHERE p.is_own AND (p.is_here OR p.game_id = %(game)s)), 0) AS BIGINT)
      AS game_u,
    CAST(COALESCE(SUM(p.cost_u) FILTER (WHERE p.is_own AND p.league = %(league)s), 0) AS BIGINT) AS group_u,
    CAST(COALESCE(SUM(p.qty_u) FILTER (WHERE p.is_own AND p.is_here AND p.outcome = %(outcome)s), 0) AS BIGINT)
      AS qty_u
  FROM (
    SELECT s.paid_u + s.fees_u AS cost_u, s.qty_u, s.outcome, o.venue, o.id = %(account)s AS is_own,
      m.id = %(market)s AS is_here, m.game_id, m.league
    FROM trading_position s
    JOIN accounts_venueaccount o ON o.id = s.venue_account_id AND o.mode = %(mode)s
    JOIN markets_market m ON m.id = s.market_id
    WHERE s.is_open
  ) p
) held
WHERE account.id = %(account)s
"""

ORDERS_SQL = """
SELECT
  unknown.n, alive.crossed, ended.n, ended.rejected,
  alive.market_u, alive.game_u, alive.group_u, alive.selling_u, alive.working, alive.unknown_here, alive.unknown,
  here.twins, here.entries_10min, here.entries_day, lately.orders + cancels.n, lately.fills
FROM (
  SELECT COUNT(*) AS n FROM trading_order s
  JOIN accounts_venueaccount o ON o.id = s.venue_account_id AND o.mode = %(mode)s
  WHERE {alive} AND s.status = 'claimed' AND s.unknown_at IS NOT NULL
) unknown
CROSS JOIN (
  SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE latest.status = 'rejected') AS rejected
  FROM (SELECT s.status FROM trading_order s WHERE s.venue_account_id = %(account)s AND s.sent_at IS NOT NULL
    AND s.status NOT IN ('claimed', 'open') ORDER BY s.id DESC LIMIT 50) latest
) ended
CROSS JOIN (
  SELECT
    CAST(COALESCE(SUM(s.reserved_u) FILTER (WHERE s.is_own AND s.is_here), 0) AS BIGINT) AS market_u,
    CAST(COALESCE(SUM(s.reserved_u) FILTER (WHERE s.is_own AND (s.is_here OR s.game_id = %(game)s)), 0) AS BIGINT)
      AS game_u,
    CAST(COALESCE(SUM(s.reserved_u) FILTER (WHERE s.is_own AND s.league = %(league)s), 0) AS BIGINT) AS group_u,
    CAST(COALESCE(SUM(CASE WHEN s.status IN ('claimed', 'open') THEN s.qty_u - s.filled_u
      ELSE s.venue_filled_u - s.filled_u - s.voided_u END)
      FILTER (WHERE s.is_own AND s.is_here AND s.outcome = %(outcome)s AND s.side = 'sell'), 0) AS BIGINT)
      AS selling_u,
    COUNT(*) FILTER (WHERE s.is_own AND s.status IN ('claimed', 'open')) AS working,
    COUNT(*) FILTER (WHERE s.is_own AND s.is_here AND s.status = 'claimed' AND s.unknown_at IS NOT NULL)
      AS unknown_here,
    COUNT(*) FILTER (WHERE s.is_own AND s.status = 'claimed' AND s.unknown_at IS NOT NULL) AS unknown,
    COUNT(*) FILTER (WHERE s.is_here AND (s.status = 'open' OR (s.status = 'claimed' AND NOT %(reduces)s))
      AND ((s.side = 'buy') = (s.outcome = 'yes')) <> %(buys_yes)s
      AND (CASE s.outcome WHEN 'yes' THEN s.price_u ELSE 1000000 - s.price_u END - %(yes_price_u)s) * %(sign)s <= 0)
      AS crossed
  FROM (
    SELECT s.*, s.venue_account_id = %(account)s AS is_own, m.id = %(market)s AS is_here, m.game_id, m.league
    FROM accounts_venueaccount o JOIN trading_order s ON s.venue_account_id = o.id
    JOIN markets_market m ON m.id = s.market_id
    WHERE o.user_id = %(user)s AND {alive}
  ) s
) alive
CROSS JOIN (
  SELECT
    COUNT(*) FILTER (WHERE s.side = %(side)s AND s.outcome = %(outcome)s AND s.price_u = %(price_u)s
      AND s.qty_u = %(qty_u)s AND s.claimed_at > %(window_start)s AND s.decision_id <> %(decision_id)s
      AND s.cause = %(cause)s AND s.status NOT IN ('denied', 'void', 'rejected')) AS twins,
    COUNT(*) FILTER (WHERE s.strategy = %(strategy)s AND s.side = 'buy' AND NOT s.reduce_only
      AND s.status NOT IN ('denied', 'void') AND s.claimed_at > %(recent)s) AS entries_10min,
    COUNT(*) FILTER (WHERE s.strategy = %(strategy)s AND s.side = 'buy' AND NOT s.reduce_only
      AND s.status NOT IN ('denied', 'void') AND s.claimed_at >= %(day_start)s) AS entries_day
  FROM trading_order s
  WHERE s.market_id = %(market)s AND s.venue_account_id = %(account)s AND s.claimed_at >= %(since)s
) here
CROSS JOIN (
  SELECT COUNT(*) FILTER (WHERE s.status NOT IN ('denied', 'void')) AS orders,
    COUNT(*) FILTER (WHERE s.filled_u > 0) AS fills
  FROM trading_order s WHERE s.venue_account_id = %(account)s AND s.claimed_at > %(recent)s
) lately
CROSS JOIN (
  SELECT COUNT(*) AS n FROM trading_order s
  WHERE s.venue_account_id = %(account)s AND s.cancel_requested_at > %(recent)s
) cancels
""".replace(
    "{alive}",
    "(s.status IN ('claimed', 'open') OR s.reserved_u > 0 OR s.venue_filled_u > s.filled_u + s.voided_u + 10000)",
)
"""Each part reads what an index of `Order` holds ready (`alive` those of all accounts of the person, for what they
would trade with themselves); `{alive}` is the condition of one, word for word: what works,
what holds money, and what the venue says is filled beyond every fill that was told: it is sold before that is seen.
"""


_BOTH_SQL = f"SELECT of_account.*, of_orders.* FROM ({ACCOUNT_SQL}) of_account CROSS JOIN ({ORDERS_SQL}) of_orders"


class ClaimNumbers(NamedTuple):
    """What both found."""

    account: AccountNumbers
    orders: OrderNumbers


def numbers_read(parameters: Mapping[str, Any]) -> Statement:
    """For `numbers_of`. Both in one: they share their parameters."""
    return Statement(_BOTH_SQL, parameters)


def numbers_of(answer: Answer) -> ClaimNumbers:
    row, first = answer.rows[0], len(AccountNumbers._fields)
    return ClaimNumbers(AccountNumbers(*row[:first]), OrderNumbers(*row[first:]))
