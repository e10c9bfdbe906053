"""All holdings of a session, changed by fill and settlement reports only, each booked once.

A fill that failed to settle is voided by folding the market again without it, so that the result is what it would
have been had the fill never come. Invariant: holdings == refold of the reports kept, on the opening holdings.
"""

from __future__ import annotations

import msgspec

from trading.domain.opening import ClosedTrade, OpeningState, OpenPosition
from trading.domain.positions import Holding, Leg, fold_fill, fold_settlement
from venues.types import FillReport, Outcome, SettlementReport, SettleState, Side

Key = tuple[str, str]
"""(account, market_id)"""

_EMPTY = Holding()


class Record(msgspec.Struct, frozen=True):
    """The user's own record: closed positions and the losses in a row at its end."""

    settled: int = 0
    losing_streak: int = 0

    def with_trade(self, realized_u: int) -> Record:
        return Record(self.settled + 1, self.losing_streak + 1 if realized_u < 0 else 0)


def fill_key(fill: FillReport) -> str:
    return f"{fill.venue}|{fill.account}|{fill.trade_id}|{fill.leg}"


def settlement_key(report: SettlementReport) -> str:
    return f"{report.venue}|{report.account}|{report.market_id}"


class Portfolio:
    """Holdings by account and market, the closed trades and the record they make."""

    __slots__ = (
        "_accounts_that_net",
        "_base",
        "_closed_since_base",
        "_fills",
        "_settled",
        "closed",
        "holdings",
        "known_fills",
        "known_settlements",
        "voided_fills",
    )

    def __init__(self, opening: OpeningState, *, accounts_that_net: frozenset[str]) -> None:
        self._accounts_that_net = accounts_that_net
        self.holdings: dict[Key, Holding] = {}
        for position in opening.positions:
            key = (position.account, position.market_id)
            leg = Leg(position.qty_u, position.paid_u, position.fees_u, position.realized_u)
            self.holdings[key] = self.holdings.get(key, _EMPTY).with_leg(position.outcome, leg)
        self._base = dict(self.holdings)
        self._fills: dict[Key, list[FillReport]] = {}
        self._closed_since_base: dict[Key, list[ClosedTrade]] = {}
        self._settled: dict[Key, int] = {}
        self.voided_fills = set(opening.voided_fills)
        self.known_fills = set(opening.booked_fills)
        self.known_settlements = set(opening.booked_settlements)
        self.closed: list[ClosedTrade] = list(opening.closed_trades)

    def holding(self, account: str, market_id: str) -> Holding:
        return self.holdings.get((account, market_id), _EMPTY)

    def closings(self, account: str, market_id: str, outcome: Outcome) -> list[ClosedTrade]:
        """Closed trades of one outcome, oldest first; their count is the number of the next position."""
        if not self.closed:
            return []
        key = (account, market_id, outcome)
        return [trade for trade in self.closed if (trade.account, trade.market_id, trade.outcome) == key]

    @property
    def record(self) -> Record:
        record = Record()
        for trade in self.closed:
            record = record.with_trade(trade.realized_u)
        return record

    def book_fill(self, fill: FillReport) -> bool:
        """Fold a fill once; a FAILED one takes a booked fill back. True if a holding changed."""
        key, identity = (fill.account, fill.market_id), fill_key(fill)
        if fill.settle_state is SettleState.FAILED:
            return self._void(fill, key, identity)
        if identity in self.known_fills:
            return False
        self.known_fills.add(identity)
        self._fills.setdefault(key, []).append(fill)
        self._apply(key, fill)
        return True

    def book_settlement(self, report: SettlementReport) -> bool:
        """Close both legs at the settled value, the venue's payout being the truth. False if booked before."""
        identity = settlement_key(report)
        if identity in self.known_settlements:
            return False
        self.known_settlements.add(identity)
        key = (report.account, report.market_id)
        before = self.holding(*key)
        self.holdings[key] = fold_settlement(before, value_u=report.value_u, payout_u=report.payout_u)
        self._note_closings(key, before, report.venue_ms)
        self._settled[key] = report.value_u
        self._base[key] = self.holdings[key]
        self._fills.pop(key, None)
        self._closed_since_base.pop(key, None)
        return True

    def export_positions(self) -> tuple[OpenPosition, ...]:
        return tuple(
            OpenPosition(
                account=account,
                market_id=market_id,
                outcome=outcome,
                qty_u=leg.qty_u,
                paid_u=leg.paid_u,
                fees_u=leg.fees_u,
                realized_u=leg.realized_u,
            )
            for (account, market_id), holding in self.holdings.items()
            for outcome in Outcome
            if (leg := holding.leg(outcome)).qty_u
        )

    def _fold(self, holding: Holding, fill: FillReport) -> Holding:
        return fold_fill(
            holding,
            side=fill.side,
            outcome=fill.outcome,
            price_u=fill.price_u,
            qty_u=fill.qty_u,
            fee_u=fill.fee_u,
            nets=fill.account in self._accounts_that_net,
        )

    def _apply(self, key: Key, fill: FillReport) -> None:
        """A fill that is told after its market was settled is settled at once: nothing is open there any more."""
        before = self.holding(*key)
        self.holdings[key] = self._fold(before, fill)
        if key in self._settled:
            self.holdings[key] = fold_settlement(self.holdings[key], value_u=self._settled[key])
        self._note_closings(key, before, fill.venue_ms)

    def _void(self, fill: FillReport, key: Key, identity: str) -> bool:
        """Undo a booked fill, once; a voided one is never booked again."""
        if identity not in self.known_fills or identity in self.voided_fills:
            return False
        self.voided_fills.add(identity)
        kept = self._fills.get(key, [])
        remaining = [one for one in kept if fill_key(one) != identity]
        if len(remaining) == len(kept):
            opposite = Side.SELL if fill.side is Side.BUY else Side.BUY
            self._apply(key, msgspec.structs.replace(fill, side=opposite, fee_u=-fill.fee_u))
        else:
            self._refold(key, remaining)
        return True

    def _refold(self, key: Key, fills: list[FillReport]) -> None:
        undone = self._closed_since_base.pop(key, [])
        self.closed = [trade for trade in self.closed if trade not in undone]
        self.holdings[key] = self._base.get(key, _EMPTY)
        self._fills[key] = fills
        for fill in fills:
            self._apply(key, fill)

    def _note_closings(self, key: Key, before: Holding, at_ms: int) -> None:
        after = self.holdings[key]
        banked_u = after.banked_u - before.banked_u
        for outcome in Outcome:
            if before.leg(outcome).qty_u and not after.leg(outcome).qty_u:
                account, market_id = key
                trade = ClosedTrade(
                    account=account, market_id=market_id, outcome=outcome, realized_u=banked_u, closed_ms=at_ms
                )
                self.closed.append(trade)
                self._closed_since_base.setdefault(key, []).append(trade)
                banked_u = 0
