"""Every number of a claim's checks in two statements, on SQLite and PostgreSQL alike.

By hand, because they run inside the transaction that stands between a decision and its order: one round trip in place
of a dozen. Amounts are summed as bigints. Parameters: account, market, game, league, strategy, at-dependent times, and
the terms of the order. What an account has behind it makes no claim slower. Two, because the driver keeps the parse of
no statement above 4,096 characters.
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
    open_cost_u: int
    market_cost_u: int
    game_cost_u: int
    group_cost_u: int
    held_qty_u: int


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
  COALESCE((SELECT d.realized_u FROM trading_pnlday d WHERE d.venue_account_id = account.id AND d.day = %(day)s), 0),
  COALESCE((SELECT CAST(SUM(s.realized_u) AS BIGINT) FROM trading_position s
    WHERE s.venue_account_id = account.id AND s.strategy = %(strategy)s AND s.closed_at >= %(day_start)s), 0),
  COALESCE((SELECT CAST(SUM(d.realized_u) AS BIGINT) FROM trading_pnlday d
    JOIN accounts_venueaccount o ON o.id = d.venue_account_id AND o.mode = account.mode WHERE d.day = %(day)s), 0),
  everybody.cash_u, everybody.reserved_u,
  COALESCE((SELECT CAST(SUM(s.paid_u + s.fees_u) AS BIGINT) FROM trading_position s
    JOIN accounts_venueaccount o ON o.id = s.venue_account_id AND o.mode = account.mode WHERE s.is_open), 0),
  held.cost_u, held.market_u, held.game_u, held.group_u, held.qty_u
FROM accounts_venueaccount account
JOIN accounts_user owner ON owner.id = account.user_id
CROSS JOIN (
  SELECT CAST(COALESCE(SUM(l.cash_u), 0) AS BIGINT) AS cash_u, CAST(COALESCE(SUM(l.reserved_u), 0) AS BIGINT)
    AS reserved_u
  FROM trading_accountledger l JOIN accounts_venueaccount o ON o.id = l.venue_account_id AND o.mode = %(mode)s
) everybody
CROSS JOIN (
  SELECT
    CAST(COALESCE(SUM(p.paid_u + p.fees_u), 0) AS BIGINT) AS cost_u,
    CAST(COALESCE(SUM(p.paid_u + p.fees_u) FILTER (WHERE m.id = %(market)s), 0) AS BIGINT) AS market_u,
    CAST(COALESCE(SUM(p.paid_u + p.fees_u) FILTER (WHERE m.game_id = %(game)s OR m.id = %(market)s), 0) AS BIGINT)
      AS game_u,
    CAST(COALESCE(SUM(p.paid_u + p.fees_u) FILTER (WHERE m.league = %(league)s), 0) AS BIGINT) AS group_u,
    CAST(COALESCE(SUM(p.qty_u) FILTER (WHERE m.id = %(market)s AND p.outcome = %(outcome)s), 0) AS BIGINT) AS qty_u
  FROM trading_position p JOIN markets_market m ON m.id = p.market_id
  WHERE p.venue_account_id = %(account)s AND p.is_open
) held
WHERE account.id = %(account)s
"""

ORDERS_SQL = """
SELECT
  (SELECT COUNT(*) FROM trading_order s JOIN accounts_venueaccount o ON o.id = s.venue_account_id
    AND o.mode = account.mode WHERE {alive} AND s.status = 'claimed' AND s.unknown_at IS NOT NULL),
  (SELECT COUNT(*) FROM trading_order s JOIN accounts_venueaccount o ON o.id = s.venue_account_id
    WHERE {alive} AND s.market_id = %(market)s AND o.user_id = account.user_id
    AND (s.status = 'open' OR (s.status = 'claimed' AND NOT %(reduces)s))
    AND ((s.side = 'buy') = (s.outcome = 'yes')) <> %(buys_yes)s
    AND (CASE s.outcome WHEN 'yes' THEN s.price_u ELSE 1000000 - s.price_u END - %(yes_price_u)s) * %(sign)s <= 0),
  ended.n, ended.rejected,
  alive.market_u, alive.game_u, alive.group_u, alive.selling_u, alive.working, alive.unknown_here, alive.unknown,
  here.twins, here.entries_10min, here.entries_day, lately.orders + cancels.n, lately.fills
FROM accounts_venueaccount account
CROSS JOIN (
  SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE latest.status = 'rejected') AS rejected
  FROM (SELECT s.status FROM trading_order s WHERE s.venue_account_id = %(account)s AND s.sent_at IS NOT NULL
    AND s.status NOT IN ('claimed', 'open') ORDER BY s.id DESC LIMIT 50) latest
) ended
CROSS JOIN (
  SELECT
    CAST(COALESCE(SUM(s.reserved_u) FILTER (WHERE m.id = %(market)s), 0) AS BIGINT) AS market_u,
    CAST(COALESCE(SUM(s.reserved_u) FILTER (WHERE m.game_id = %(game)s OR m.id = %(market)s), 0) AS BIGINT) AS game_u,
    CAST(COALESCE(SUM(s.reserved_u) FILTER (WHERE m.league = %(league)s), 0) AS BIGINT) AS group_u,
    CAST(COALESCE(SUM(s.qty_u - s.filled_u) FILTER (WHERE s.status IN ('claimed', 'open') AND m.id = %(market)s
      AND s.outcome = %(outcome)s AND s.side = 'sell'), 0) AS BIGINT) AS selling_u,
    COUNT(*) FILTER (WHERE s.status IN ('claimed', 'open')) AS working,
    COUNT(*) FILTER (WHERE s.status = 'claimed' AND s.unknown_at IS NOT NULL AND m.id = %(market)s) AS unknown_here,
    COUNT(*) FILTER (WHERE s.status = 'claimed' AND s.unknown_at IS NOT NULL) AS unknown
  FROM trading_order s JOIN markets_market m ON m.id = s.market_id
  WHERE s.venue_account_id = %(account)s AND {alive}
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
WHERE account.id = %(account)s
""".replace("{alive}", "(s.status IN ('claimed', 'open') OR s.reserved_u > 0)")
"""Each part reads what an index of `Order` holds ready; `alive` is the condition of one, word for word."""


class ClaimNumbers(NamedTuple):
    """What both statements found."""

    account: AccountNumbers
    orders: OrderNumbers


def numbers_read(parameters: Mapping[str, Any]) -> list[Statement]:
    """For `numbers_of`."""
    return [Statement(ACCOUNT_SQL, parameters), Statement(ORDERS_SQL, parameters)]


def numbers_of(account: Answer, orders: Answer) -> ClaimNumbers:
    return ClaimNumbers(AccountNumbers(*account.rows[0]), OrderNumbers(*orders.rows[0]))


def results_read(account_pk: int, *, at_most: int, since: Any) -> Statement:
    """What the last closed positions earned, µUSD, the latest first; `since` as the database takes it, or None."""
    counted = "AND closed_at >= %s" if since is not None else ""
    sql = f"""SELECT realized_u FROM trading_position
        WHERE venue_account_id = %s AND NOT is_open AND bought_u > 0 {counted}
        ORDER BY closed_at DESC, id DESC LIMIT %s"""
    return Statement(sql, [account_pk, *([since] if since is not None else []), at_most])
