"""What the Data API says we hold and what was paid for it: `PositionReport` and `SettlementReport`.

A resolved market pays when its contracts are redeemed (REDEEM in the activity, payout in `usdc_size`); contracts that
are worth nothing are redeemed along or stay for ever as REDEEMABLE_LOST, which counts as paid with 0. The activity
names no outcome, so the two quantities follow from payout and price; for a 50-50 they follow from our own trades.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from venues.polymarket.data_api import DataApi
from venues.polymarket.markets import market_id_of
from venues.polymarket.micro import micro_of, parse_ms
from venues.polymarket.schemas_data import ActivityV2, PositionV2, Resolution
from venues.types import MICRO, FillReport, Outcome, PositionReport, SettlementReport, SettleState, Side, Venue

_REDEEM = "REDEEM"
_LOST = "REDEEMABLE_LOST"
_CONDITION_LENGTH = 66
"""Combination bets have shorter ids and are not ours."""

_PARTS_WITHIN_S = 30 * 86_400
"""A market may be redeemed in parts, and a payout is told as the sum of them: how far back the first part is read."""

Quantities = tuple[int, int]
"""µcontracts of YES and of NO."""


def position_reports(positions: Iterable[PositionV2], *, account: str, venue_ms: int) -> list[PositionReport]:
    """One report per condition that is not resolved yet."""
    held: dict[str, Quantities] = {}
    for position in positions:
        if position.redeemable or position.status in ("REDEEMABLE", _LOST, "CLOSED"):
            continue
        if len(position.condition_id) == _CONDITION_LENGTH:
            held[position.condition_id] = _added(held.get(position.condition_id, (0, 0)), position)
    return [
        PositionReport(
            venue=Venue.POLYMARKET,
            account=account,
            market_id=market_id_of(condition),
            yes_qty_u=yes_u,
            no_qty_u=no_u,
            venue_ms=venue_ms,
        )
        for condition, (yes_u, no_u) in held.items()
        if yes_u or no_u
    ]


async def settlement_reports(
    data: DataApi,
    *,
    wallet: str,
    account: str,
    since_ms: int,
    traded: Callable[[str], Awaitable[Quantities]],
    now_ms: int,
    lost: dict[str, Resolution],
) -> list[SettlementReport]:
    """Conditions of which something was paid since `since_ms`, each with all that was ever paid for it within
    `_PARTS_WITHIN_S`, oldest first. `traded` folds our fills of a condition. A failed read raises.

    A loss whose time of resolution the venue does not tell is told every time, as of `now_ms`. `lost` keeps how losses
    resolved, from one call to the next: they stay in the list for ever, and each is asked for once."""
    booker = _Booker(data, account, traded, lost)
    redeemed = await data.activity(wallet, types=[_REDEEM], start_s=max(0, since_ms // 1000 - _PARTS_WITHIN_S))
    news = {each.condition_id for each in redeemed if each.timestamp >= since_ms // 1000}
    for each in redeemed:
        if len(each.condition_id) == _CONDITION_LENGTH and each.condition_id in news:
            await booker.redemption(each)
    for position in await data.positions(wallet, status=_LOST):
        if position.status == _LOST and len(position.condition_id) == _CONDITION_LENGTH:
            await booker.loss(position, since_ms, now_ms)
    return sorted(booker.reports.values(), key=lambda report: report.venue_ms)


def folded(fills: Iterable[FillReport]) -> Quantities:
    """Net µcontracts of YES and NO after all fills that did not fail."""
    net = {Outcome.YES: 0, Outcome.NO: 0}
    for fill in fills:
        if fill.settle_state is not SettleState.FAILED:
            net[fill.outcome] += fill.qty_u if fill.side is Side.BUY else -fill.qty_u
    return max(0, net[Outcome.YES]), max(0, net[Outcome.NO])


class _Booker:
    """Collects at most one report per condition; a redemption in parts adds up, as of the last of them, in whatever
    order they are listed."""

    def __init__(
        self, data: DataApi, account: str, traded: Callable[[str], Awaitable[Quantities]], lost: dict[str, Resolution]
    ) -> None:
        self.reports: dict[str, SettlementReport] = {}
        self._lost = lost
        self._data = data
        self._account = account
        self._traded = traded

    async def redemption(self, activity: ActivityV2) -> None:
        resolution = await self._data.resolution(activity.condition_id)
        if resolution is None or (value_u := resolution.value_u) is None:
            return
        size_u, payout_u = micro_of(activity.size), micro_of(activity.usdc_size)
        if value_u in (0, MICRO):
            won_u, lost_u = payout_u, max(0, size_u - payout_u)
            held = (won_u, lost_u) if value_u else (lost_u, won_u)
        else:
            is_first = activity.condition_id not in self.reports
            held = await self._traded(activity.condition_id) if is_first else (0, 0)
        self._add(activity.condition_id, value_u, held, payout_u, activity.timestamp * 1000)

    async def loss(self, position: PositionV2, since_ms: int, now_ms: int) -> None:
        condition = position.condition_id
        resolution = self._lost.get(condition) or await self._data.resolution(condition)
        if resolution is None or (value_u := resolution.value_u) is None or condition in self.reports:
            return
        self._lost[condition] = resolution
        resolved_ms = _resolved_ms(resolution) or now_ms
        if resolved_ms >= since_ms:
            self._add(condition, value_u, _added((0, 0), position), 0, resolved_ms)

    def _add(self, condition: str, value_u: int, held: Quantities, payout_u: int, venue_ms: int) -> None:
        before = self.reports.get(condition)
        self.reports[condition] = SettlementReport(
            venue=Venue.POLYMARKET,
            account=self._account,
            market_id=market_id_of(condition),
            value_u=value_u,
            yes_qty_u=held[0] + (before.yes_qty_u if before else 0),
            no_qty_u=held[1] + (before.no_qty_u if before else 0),
            payout_u=payout_u + (before.payout_u if before else 0),
            venue_ms=max(venue_ms, before.venue_ms if before else 0),
        )


def _added(held: Quantities, position: PositionV2) -> Quantities:
    qty_u = micro_of(position.current_size)
    return (held[0] + qty_u, held[1]) if position.outcome_index == 0 else (held[0], held[1] + qty_u)


def _resolved_ms(resolution: Resolution) -> int:
    return parse_ms(resolution.resolved_at)
