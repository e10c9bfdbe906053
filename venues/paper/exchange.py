"""One paper account: takes orders as the venue would, fills them against the live book, keeps everything in a journal.

Story of an order: it arrives after the latency; what the venue would refuse is refused in its words; on a market with a
taker delay what could match waits for it and matches the book of *then*; it walks the depth that is there; the rest is
canceled or rests behind all that is there. Resting orders fill by prints and books that reach them, expire, and leave
with the market or at the start of its game. Invariants: whatever happened at one moment is one line of the journal,
written before anybody is told; after a line that could not be written nothing is answered any more until a restart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from venues.errors import OutcomeUnknown
from venues.paper.dialect import Dialect, is_immediate
from venues.paper.entry import Entry
from venues.paper.hub import PaperFeed, paid_value_u
from venues.paper.journal import Journal
from venues.paper.liquidity import Liquidity, Queue
from venues.paper.records import Ended, Fenced, Filled, Opened, PaperOrder, Record, Rested, Settled
from venues.paper.state import PaperState
from venues.types import (
    MICRO,
    BookDelta,
    BookLevel,
    BookSnapshot,
    MarketListed,
    MarketState,
    MarketStateChanged,
    Message,
    OrderState,
    Outcome,
    PublicTrade,
    Side,
    TimeInForce,
    VenueMarket,
)

Heard = Callable[[Record], None]

FENCE_WINDOW_MS = 15_000
BLIND_FOR_MS = 10_000
"""How long an order whose delay is over waits for a book that the feed has lost."""


class PaperExchange:
    """Everything of one account but the three doors. All times are milliseconds of the data's clock."""

    def __init__(
        self, *, feed: PaperFeed, dialect: Dialect, journal: Journal, clock_ms: Callable[[], int], opening_u: int
    ) -> None:
        """Opens the account from its journal, or anew with `opening_u` µUSD. Raises what the journal raises."""
        self.feed, self.dialect = feed, dialect
        self.state = PaperState(dialect)
        self.liquidity = Liquidity()
        self.listeners: list[Heard] = []
        self.is_broken = False
        self._journal = journal
        self._clock_ms = clock_ms
        self._queues: dict[str, Queue] = {}
        self._batch: list[Record] = []
        self._is_closed = False
        for batch in journal.read():
            for record in batch:
                self.state.apply(record)
        with self._moment():
            if not self.state.is_opened:
                self._do(Opened(opening_u, clock_ms()))
        for order in self.state.open.values():
            feed.markets.setdefault(order.placed.market.market_id, order.placed.market)
            self._queues[order.placed.order_id] = self._queue(order)
        feed.listeners.append(self)

    def close(self) -> None:
        """Twice is as good as once: both doors of an account are closed."""
        if not self._is_closed:
            self._is_closed = True
            self.feed.listeners.remove(self)
            self._journal.close()

    def check(self) -> None:
        """Raises OutcomeUnknown when the journal could not be written: what is in memory proves nothing then."""
        if self.is_broken or self._is_closed:
            raise OutcomeUnknown("The paper account could not be kept; restart the trader.", code="paper_journal")

    # --- what the doors ask -----------------------------------------------------------------------------------------

    def place(self, entry: Entry, now_ms: int) -> PaperOrder:
        """Take an order that `entry` has checked. Raises OutcomeUnknown when it could not be kept."""
        with self._moment():
            self._do(entry.placed)
            order = self.state.orders[entry.placed.order_id]
            if entry.placed.due_ms <= now_ms:
                self._match(order, now_ms, at_most_u=entry.at_most_u)
        return order

    def cancel(self, order: PaperOrder, now_ms: int, reason: str = "canceled") -> None:
        with self._moment():
            self._end(order, OrderState.CANCELED, reason, now_ms)

    def fence(self, fenced: Fenced) -> None:
        """Make a fence token, or cut it off: its orders are canceled and later ones refused."""
        with self._moment():
            self._fence(fenced)

    def _fence(self, fenced: Fenced) -> None:
        self._do(fenced)
        for order in list(self.state.open.values()):
            if not fenced.is_open and order.placed.fence_token == fenced.token:
                self._end(order, OrderState.CANCELED, "fenced", fenced.at_ms)

    def _count_for_fence(self, token: str, now_ms: int) -> None:
        """The venue cuts a fence off by itself when more matches under it in its window than its limit."""
        fenced = self.state.fences.get(token)
        if fenced is None:
            return
        matched_u = 0
        for fill in reversed(self.state.fills):
            if fill.at_ms <= now_ms - FENCE_WINDOW_MS:
                break
            is_its = self.state.orders[fill.order_id].placed.fence_token == token
            matched_u += fill.qty_u if is_its else 0
        if matched_u > fenced.limit_u:
            self._fence(Fenced(token=token, is_open=False, limit_u=0, at_ms=now_ms))

    def market(self, known: VenueMarket) -> VenueMarket:
        """The terms as last told."""
        return self.feed.markets.get(known.market_id, known)

    # --- time and the live market -----------------------------------------------------------------------------------

    def advance(self, now_ms: int) -> None:
        """Do what has become due: delayed orders match, orders expire, the book is cleared at the start of a game."""
        if self.is_broken or not self.state.open:
            return
        with self._moment():
            for order in list(self.state.open.values()):
                self._advance(order, now_ms)

    def _advance(self, order: PaperOrder, now_ms: int) -> None:
        placed = order.placed
        market = self.market(placed.market)
        if order.state is OrderState.DELAYED:
            is_blind = not self.feed.book(market.market_id).is_valid and now_ms < placed.due_ms + BLIND_FOR_MS
            if now_ms < placed.due_ms or (is_blind and market.state is MarketState.OPEN):
                return
            if market.state is MarketState.OPEN:
                self._match(order, now_ms)
            else:
                self._end(order, OrderState.CANCELED, "market_closed", now_ms)
        if order.is_open and placed.expires_ms is not None and now_ms >= placed.expires_ms:
            self._end(order, OrderState.EXPIRED, "expired", now_ms)
        start_ms = market.game_start_ms
        if order.is_open and market.clears_book_at_start and start_ms is not None and placed.at_ms < start_ms <= now_ms:
            self._end(order, OrderState.CANCELED, "game_started", now_ms)

    def hear(self, message: Message, now_ms: int) -> None:
        """A message of the live market, after the books have taken it."""
        match message:
            case _ if self.is_broken:
                return
            case BookLevel():
                self.liquidity.restate(message.market_id, message.is_bid, message.price_u)
                self._note_book(message.market_id, message.venue_ms, now_ms)
            case BookDelta():
                if not self.feed.book(message.market_id).qty_at(message.is_bid, message.price_u):
                    self.liquidity.restate(message.market_id, message.is_bid, message.price_u)
                self._note_book(message.market_id, message.venue_ms, now_ms)
            case BookSnapshot():
                self.liquidity.restate_all(message.market_id)
                self._note_book(message.market_id, message.venue_ms, now_ms)
            case PublicTrade():
                self._note_print(message, now_ms)
            case MarketListed():
                self._note_market(message.market.market_id, now_ms)
            case MarketStateChanged():
                self._note_market(message.market_id, now_ms)

    def _resting(self, market_id: str) -> list[PaperOrder]:
        """In the order of their turn: the better price first, then the older one."""
        if not self.state.open:
            return []
        rows = [one for one in self.state.open.values() if one.placed.market.market_id == market_id]
        resting = [one for one in rows if one.state is OrderState.RESTING]
        return sorted(resting, key=lambda one: -one.yes_price_u if one.is_bid else one.yes_price_u)

    def _note_book(self, market_id: str, venue_ms: int, now_ms: int) -> None:
        resting = self._resting(market_id)
        book = self.feed.book(market_id)
        if not resting or not book.is_valid:
            return
        with self._moment():
            for order in resting:
                if not order.is_open:
                    continue
                queue = self._queues[order.placed.order_id]
                queue.note_level(book.qty_at(order.is_bid, order.yes_price_u), venue_ms)
                for price_u, qty_u in list(self._offers(order)):
                    taken_u = self._fill(order, order.yes_price_u, qty_u, now_ms, is_taker=False)
                    self.liquidity.take(market_id, is_bid=order.is_bid, price_u=price_u, qty_u=taken_u)

    def _note_print(self, trade: PublicTrade, now_ms: int) -> None:
        left_u = trade.qty_u
        with self._moment():
            for order in self._resting(trade.market_id):
                if order.is_bid is (trade.taker_side is Side.BUY):
                    continue
                gap_u = order.yes_price_u - trade.price_u if order.is_bid else trade.price_u - order.yes_price_u
                if gap_u < 0 or not left_u or not order.is_open:
                    continue
                queue = self._queues[order.placed.order_id]
                share_u = queue.share_u(left_u, is_through=gap_u > 0, at_ms=trade.venue_ms)
                left_u -= self._fill(order, order.yes_price_u, share_u, now_ms, is_taker=False)

    def _note_market(self, market_id: str, now_ms: int) -> None:
        market = self.feed.markets.get(market_id)
        if market is None:
            return
        with self._moment():
            if market.state is not MarketState.OPEN:
                self._leave_market(market, now_ms)
            value_u = paid_value_u(market)
            if value_u is not None and market_id in self.state.held:
                self._settle(market_id, value_u, now_ms)

    def _leave_market(self, market: VenueMarket, now_ms: int) -> None:
        is_pause = market.state is MarketState.PAUSED
        for order in list(self.state.open.values()):
            placed = order.placed
            if placed.market.market_id == market.market_id and (not is_pause or placed.cancel_on_pause):
                self._end(order, OrderState.CANCELED, "paused" if is_pause else "market_closed", now_ms)

    def _settle(self, market_id: str, value_u: int, now_ms: int) -> None:
        yes_u, no_u = (self.state.of(market_id, outcome) for outcome in (Outcome.YES, Outcome.NO))
        self._do(
            Settled(
                market_id=market_id,
                value_u=value_u,
                yes_qty_u=yes_u,
                no_qty_u=no_u,
                payout_u=yes_u * value_u // MICRO + no_u * (MICRO - value_u) // MICRO,
                at_ms=now_ms,
            )
        )

    # --- matching ---------------------------------------------------------------------------------------------------

    def takes_u(self, order: PaperOrder, now_ms: int) -> int:
        """What it could take of the live book now, up to its size."""
        return min(order.remaining_u, sum(qty_u for _, qty_u in self._offers(order)))

    def _offers(self, order: PaperOrder) -> Iterator[tuple[int, int]]:
        """Never through an order of our own: it would be reached first."""
        market = order.placed.market
        limit_u = order.yes_price_u
        for own in self._resting(market.market_id):
            if own.is_bid is not order.is_bid:
                limit_u = min(limit_u, own.yes_price_u) if order.is_bid else max(limit_u, own.yes_price_u)
        book = self.feed.book(market.market_id)
        return self.liquidity.offers(book, market.market_id, is_bid=order.is_bid, limit_u=limit_u, lot_u=market.lot_u)

    def _match(self, order: PaperOrder, now_ms: int, *, at_most_u: int | None = None) -> None:
        """Take what is there, then rest or be canceled, as the order's terms say."""
        placed, left_u = order.placed, order.remaining_u if at_most_u is None else at_most_u
        is_whole = placed.time_in_force is TimeInForce.FOK
        if not is_whole or self.takes_u(order, now_ms) >= order.remaining_u:
            for price_u, qty_u in list(self._offers(order)):
                taken_u = self._fill(order, price_u, min(qty_u, left_u), now_ms, is_taker=True)
                left_u -= taken_u
                self.liquidity.take(placed.market.market_id, is_bid=order.is_bid, price_u=price_u, qty_u=taken_u)
        if not order.is_open:
            return
        if is_immediate(placed.time_in_force):
            self._end(order, OrderState.CANCELED, "not_filled", now_ms)
        elif self._meets_itself(order):
            self._end(order, OrderState.CANCELED, "self_trade", now_ms)
        elif order.state is not OrderState.RESTING:
            self._do(Rested(placed.order_id, now_ms))
            self._queues[placed.order_id] = self._queue(order)

    def _meets_itself(self, order: PaperOrder) -> bool:
        others = [one for one in self._resting(order.placed.market.market_id) if one.is_bid is not order.is_bid]
        return any(
            one.yes_price_u <= order.yes_price_u if order.is_bid else one.yes_price_u >= order.yes_price_u
            for one in others
        )

    def _queue(self, order: PaperOrder) -> Queue:
        """Behind all that is there."""
        book = self.feed.book(order.placed.market.market_id)
        return Queue(book.qty_at(order.is_bid, order.yes_price_u) if book.is_valid else None)

    def _fill(self, order: PaperOrder, yes_price_u: int, qty_u: int, now_ms: int, *, is_taker: bool) -> int:
        """Book one execution of at most what is left, fee and cash exact. Returns its size; 0 for nothing."""
        qty_u = min(qty_u, order.remaining_u)
        if qty_u <= 0 or not order.is_open:
            return 0
        placed, price_u = order.placed, order.own_price_u(yes_price_u)
        fee_u = copy.deepcopy(order.meter).fee_u(side=placed.side, price_u=price_u, qty_u=qty_u, is_taker=is_taker)
        cash_u = self.state.cash_of(placed, price_u=price_u, qty_u=qty_u) - fee_u
        self._do(
            Filled(
                order_id=placed.order_id,
                trade_id=f"{placed.order_id}-{order.fills + 1}",
                price_u=price_u,
                qty_u=qty_u,
                fee_u=fee_u,
                cash_u=cash_u,
                is_taker=is_taker,
                at_ms=now_ms,
            )
        )
        if not order.remaining_u:
            self._end(order, OrderState.FILLED, "filled", now_ms)
        self._count_for_fence(placed.fence_token, now_ms)
        return qty_u

    def _end(self, order: PaperOrder, state: OrderState, reason: str, now_ms: int) -> None:
        self._queues.pop(order.placed.order_id, None)
        self._do(Ended(order_id=order.placed.order_id, state=state, reason=reason, at_ms=now_ms))

    # --- the journal ------------------------------------------------------------------------------------------------

    def _do(self, record: Record) -> None:
        self.state.apply(record)
        self._batch.append(record)

    @contextmanager
    def _moment(self) -> Iterator[None]:
        """What happens inside is one line; it is told when it is kept. Raises OutcomeUnknown when it cannot be."""
        self.check()
        yield
        batch, self._batch = self._batch, []
        if not batch:
            return
        try:
            self._journal.append(batch)
        except OutcomeUnknown:
            self.is_broken = True
            raise
        for record in batch:
            for listener in self.listeners:
                listener(record)
