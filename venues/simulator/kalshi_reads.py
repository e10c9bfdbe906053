"""The read side: portfolio reads are a projection that may lag behind the matching engine.

What happened becomes visible `stale_ms` of virtual time later (0: at once), as captured on the demo exchange: a cancel
was acknowledged and the order still read as resting 360 ms later. Source: FACTS §3.7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import (
    ExchangeEvent,
    FillBooked,
    FillView,
    OrderChanged,
    OrderView,
    PositionChanged,
    PositionView,
    Settled,
    SettlementView,
)


class AccountReads:
    """What one account can read of itself, each in the order of happening."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderView] = {}
        self.fills: list[FillView] = []
        self.positions: dict[str, PositionView] = {}
        self.settlements: list[SettlementView] = []


class ReadSide:
    def __init__(self, exchange: Exchange, clock_ms: Callable[[], int], *, stale_ms: int = 0) -> None:
        self._clock_ms = clock_ms
        self.stale_ms = stale_ms
        self._accounts: dict[str, AccountReads] = {}
        self._coming: deque[tuple[int, ExchangeEvent]] = deque()
        for account_id in exchange.account_ids():
            self._load(exchange, account_id)
        exchange.subscribe(self._on_event)

    @property
    def as_of_ms(self) -> int:
        """Everything up to this moment is visible."""
        return self._clock_ms() - self.stale_ms

    def of(self, account_id: str) -> AccountReads:
        while self._coming and self._coming[0][0] <= self.as_of_ms:
            self._apply(self._coming.popleft()[1])
        return self._account(account_id)

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged | FillBooked | PositionChanged | Settled):
            self._coming.append((self._clock_ms(), event))
            if not self.stale_ms:
                self._apply(self._coming.popleft()[1])

    def _apply(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged(order=order):
                self._account(order.account_id).orders[order.order_id] = order
            case FillBooked(fill=fill):
                self._account(fill.account_id).fills.append(fill)
            case PositionChanged(position=position):
                self._account(position.account_id).positions[position.native_id] = position
            case Settled(settlement=settlement):
                reads = self._account(settlement.account_id)
                others = [one for one in reads.settlements if one.native_id != settlement.native_id]
                reads.settlements = [*others, settlement]  # a corrected one in the place of the first
            case _:
                return

    def _account(self, account_id: str) -> AccountReads:
        return self._accounts.setdefault(account_id, AccountReads())

    def _load(self, exchange: Exchange, account_id: str) -> None:
        reads = self._account(account_id)
        reads.orders = {order.order_id: order for order in exchange.orders(account_id)}
        reads.fills = exchange.fills(account_id)
        reads.positions = {position.native_id: position for position in exchange.positions(account_id)}
        reads.settlements = exchange.settlements(account_id)
