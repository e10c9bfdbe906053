"""The Data API: what a wallet holds and did, by funder address, in its first (camelCase) and second edition.

It is for pages and reports: positions with average price and value, trades, redemptions, resolutions. Fills are not
taken from here. Source: polymarket/FACTS §5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import FillView, PositionView, SettlementView
from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_history import PriceHistory
from venues.simulator.polymarket_listing import Catalogue, Listed
from venues.simulator.polymarket_numbers import iso_time, json_number
from venues.simulator.polymarket_records import transaction_hash
from venues.types import MICRO, MarketState, Outcome, SettleState

Json = dict[str, Any]


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One token of a wallet. A settled market's tokens stay visible as redeemed (size 0)."""

    wallet: str
    listed: Listed
    outcome: Outcome
    qty_u: int
    cost_u: int
    price_u: int
    realized_u: int
    fees_u: int
    is_mergeable: bool
    updated_ms: int

    @property
    def value_u(self) -> int:
        return self.qty_u * self.price_u // MICRO

    @property
    def average_u(self) -> int:
        return self.cost_u * MICRO // self.qty_u if self.qty_u else 0

    @property
    def pnl_u(self) -> int:
        return self.value_u - self.cost_u

    @property
    def percent(self) -> float:
        return round(100 * self.pnl_u / self.cost_u, 4) if self.cost_u else 0.0


class DataReader:
    def __init__(self, *, exchange: Exchange, catalogue: Catalogue, books: BookReader, history: PriceHistory) -> None:
        self._exchange = exchange
        self._catalogue = catalogue
        self._books = books
        self._history = history

    def holdings(self, wallet: str) -> list[Holding]:
        """Tokens held now; empty for a wallet nobody knows."""
        found: list[Holding] = []
        for position in self._positions(wallet):
            listed = self._catalogue.by_condition(position.native_id)
            if listed is not None:
                found.extend(self._held(wallet, listed, position))
        return found

    def _held(self, wallet: str, listed: Listed, position: PositionView) -> Iterator[Holding]:
        yes_price_u = self._history.price_u(listed)
        for outcome in Outcome:
            is_yes = outcome is Outcome.YES
            qty_u = position.yes_qty_u if is_yes else position.no_qty_u
            if qty_u:
                yield Holding(
                    wallet=wallet,
                    listed=listed,
                    outcome=outcome,
                    qty_u=qty_u,
                    cost_u=position.yes_cost_u if is_yes else position.no_cost_u,
                    price_u=yes_price_u if is_yes else MICRO - yes_price_u,
                    realized_u=position.realized_u,
                    fees_u=position.fees_u,
                    is_mergeable=bool(position.yes_qty_u and position.no_qty_u),
                    updated_ms=position.updated_ms,
                )

    def fills(self, wallet: str) -> list[tuple[Listed, FillView]]:
        """A wallet's trades that did not fail, newest first."""
        account_id = wallet.lower()
        if not self._exchange.has_account(account_id):
            return []
        pairs = ((self._catalogue.by_condition(fill.native_id), fill) for fill in self._exchange.fills(account_id))
        found = [(listed, fill) for listed, fill in pairs if listed and fill.settle_state is not SettleState.FAILED]
        return found[::-1]

    def settlements(self, wallet: str) -> list[tuple[Listed, SettlementView]]:
        account_id = wallet.lower()
        if not self._exchange.has_account(account_id):
            return []
        pairs = (
            (self._catalogue.by_condition(each.native_id), each) for each in self._exchange.settlements(account_id)
        )
        return [(listed, each) for listed, each in pairs if listed is not None][::-1]

    def value_u(self, wallet: str) -> int:
        return sum(each.value_u for each in self.holdings(wallet))

    def resolutions(self, condition_ids: list[str]) -> list[Json]:
        found = (self._catalogue.by_condition(each) for each in condition_ids)
        chosen = list(filter(None, found)) if condition_ids else list(self._catalogue.markets())
        return [self._resolution(each) for each in chosen if not self._books.has_book(each)]

    def _resolution(self, listed: Listed) -> Json:
        market = self._books.market(listed)
        is_settled = market.state is MarketState.SETTLED
        value_u = self._history.price_u(listed)
        return {
            "condition_id": listed.market.condition_id,
            "question_id": listed.market.ids.question_id,
            "status": "resolved" if is_settled else "proposed",
            "was_disputed": False,
            "extended_review": False,
            "new_version_q": False,
            "last_update_timestamp": (market.settled_ms or listed.event.start_ms) // 1000,
            "proposed_price": None if market.value_u is None else json_number(value_u),
            "price": json_number(value_u) if is_settled else None,
            "payouts": [value_u, MICRO - value_u] if is_settled else None,
            "resolved_at": iso_time(market.settled_ms) if market.settled_ms is not None else None,
            "transaction_hash": transaction_hash(listed.market.condition_id) if is_settled else "",
        }

    def _positions(self, wallet: str) -> list[PositionView]:
        account_id = wallet.lower()
        return self._exchange.positions(account_id) if self._exchange.has_account(account_id) else []
