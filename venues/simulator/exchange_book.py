"""Orders and the two sides they stand on: first by price, then by time.

A side keeps its prices in a sorted list whose last element is the best, and each level's orders in insertion order,
so the best order, an addition and a removal are cheap. A side is never told about an order that it does not hold.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from venues.simulator.exchange_types import OrderView, Reason, Stp
from venues.simulator.ledger import Account
from venues.types import MICRO, OrderState, Outcome, Side, TimeInForce


class Order(msgspec.Struct, eq=False, kw_only=True):
    """A living order. `number` is its time priority; losing the place in the queue means a new number."""

    number: int
    account: Account
    native_id: str
    side: Side
    outcome: Outcome
    is_bid: bool
    price_u: int
    qty_u: int
    remaining_u: int
    created_ms: int
    order_id: str = ""
    client_order_id: str = ""
    filled_u: int = 0
    state: OrderState = OrderState.RESTING
    reason: Reason = Reason.PLACED
    tif: TimeInForce = TimeInForce.GTC
    expires_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    stp: Stp = Stp.NONE
    cancel_on_pause: bool = False
    group_id: str = ""
    taker_cost_u: int = 0
    maker_cost_u: int = 0
    taker_fees_u: int = 0
    maker_fees_u: int = 0
    fee_carry_u: int = 0
    updated_ms: int = 0

    @property
    def yes_price_u(self) -> int:
        return self.price_u if self.outcome is Outcome.YES else MICRO - self.price_u

    @property
    def pay_price_u(self) -> int:
        """What one contract of the outcome that a fill brings (or nets away) costs."""
        return self.yes_price_u if self.is_bid else MICRO - self.yes_price_u

    @property
    def is_open(self) -> bool:
        return self.state is OrderState.RESTING or self.state is OrderState.DELAYED

    def crosses(self, yes_price_u: int) -> bool:
        """Whether this order would trade with a resting order at that price."""
        return self.yes_price_u >= yes_price_u if self.is_bid else self.yes_price_u <= yes_price_u

    def view(self) -> OrderView:
        return OrderView(
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            account_id=self.account.account_id,
            native_id=self.native_id,
            side=self.side,
            outcome=self.outcome,
            price_u=self.price_u,
            qty_u=self.qty_u,
            filled_u=self.filled_u,
            remaining_u=self.remaining_u,
            state=self.state,
            reason=self.reason,
            tif=self.tif,
            expires_ms=self.expires_ms,
            post_only=self.post_only,
            reduce_only=self.reduce_only,
            stp=self.stp,
            cancel_on_pause=self.cancel_on_pause,
            group_id=self.group_id,
            taker_cost_u=self.taker_cost_u,
            maker_cost_u=self.maker_cost_u,
            taker_fees_u=self.taker_fees_u,
            maker_fees_u=self.maker_fees_u,
            fee_carry_u=self.fee_carry_u,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
            number=self.number,
        )


class Level:
    """The queue at one price."""

    __slots__ = ("orders", "qty_u")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.qty_u = 0


class BookSide:
    """One side of a book; `_keys` are prices signed so that the best one is last on both sides."""

    __slots__ = ("_keys", "_sign", "levels")

    def __init__(self, *, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self._keys: list[int] = []
        self.levels: dict[int, Level] = {}

    @property
    def best_price_u(self) -> int | None:
        return self._keys[-1] * self._sign if self._keys else None

    def best(self) -> Order | None:
        """The order that trades next."""
        if not self._keys:
            return None
        return next(iter(self.levels[self._keys[-1] * self._sign].orders.values()))

    def add(self, order: Order) -> Level:
        """Put at the end of its price's queue."""
        price_u = order.yes_price_u
        level = self.levels.get(price_u)
        if level is None:
            level = self.levels[price_u] = Level()
            insort(self._keys, price_u * self._sign)
        level.orders[order.number] = order
        level.qty_u += order.remaining_u
        return level

    def reduce(self, order: Order, qty_u: int) -> int:
        """Take `qty_u` of a resting order off; it leaves the queue at 0. The level's new total."""
        price_u = order.yes_price_u
        level = self.levels[price_u]
        order.remaining_u -= qty_u
        level.qty_u -= qty_u
        if not order.remaining_u:
            del level.orders[order.number]
        if not level.orders:
            del self.levels[price_u]
            del self._keys[bisect_left(self._keys, price_u * self._sign)]
        return level.qty_u

    def ahead_of(self, order: Order) -> int:
        """Contracts before this order at its price; 0 when it does not stand here."""
        level = self.levels.get(order.yes_price_u)
        if level is None or order.number not in level.orders:
            return 0
        ahead_u = 0
        for other in level.orders.values():
            if other is order:
                break
            ahead_u += other.remaining_u
        return ahead_u

    def from_best(self) -> Iterator[Order]:
        """All resting orders in the order in which they would trade. The side must not change meanwhile."""
        for key in reversed(self._keys):
            yield from self.levels[key * self._sign].orders.values()

    def depth(self, count: int | None = None) -> list[tuple[int, int]]:
        """`(yes_price_u, qty_u)` of the best `count` levels (all), best first."""
        keys = self._keys if count is None else self._keys[-count:] if count else []
        return [(key * self._sign, self.levels[key * self._sign].qty_u) for key in reversed(keys)]
