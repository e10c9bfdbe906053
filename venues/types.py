"""The values that cross the border of `venues`: one vocabulary and one scale for every venue and feed.

Numbers are exact integers in millionths: `price_u` is µUSD per contract (0 < price_u < 1_000_000), `qty_u` is
µcontracts, `usd_u` is µUSD. `usd_u = price_u * qty_u // 1_000_000`, rounded at named points only. Times are integers:
`*_ms` are UTC milliseconds since 1970, `*_us` are UTC microseconds. A book is always in the YES frame: a bid buys YES,
an ask sells YES (which is the same as buying NO at `1_000_000 - price_u`).

Orders, fills and positions name `side` (BUY, SELL) and `outcome` (YES, NO) as two fields, and their `price_u` is the
price of *that outcome*. Only an adapter turns them into a venue's own words.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

MICRO = 1_000_000


class Venue(StrEnum):
    KALSHI = "kalshi"
    POLYMARKET = "polymarket"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Outcome(StrEnum):
    YES = "yes"
    NO = "no"

    @property
    def other(self) -> Outcome:
        return Outcome.NO if self is Outcome.YES else Outcome.YES


class TimeInForce(StrEnum):
    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"


class MarketKind(StrEnum):
    MONEYLINE = "moneyline"
    SPREAD = "spread"
    TOTAL = "total"
    OTHER = "other"


class MarketState(StrEnum):
    """Where a market is in its life. CLOSED: no trading, no result. DETERMINED: result known, not paid."""

    UNOPENED = "unopened"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    DETERMINED = "determined"
    SETTLED = "settled"


class OrderState(StrEnum):
    """What a venue says of an order. DELAYED: accepted, matching later (a taker delay), cannot be canceled yet."""

    RESTING = "resting"
    DELAYED = "delayed"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


class SettleState(StrEnum):
    """Finality of a fill. Kalshi fills are born CONFIRMED; Polymarket's go PENDING → CONFIRMED or FAILED (a void)."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class GameStatus(StrEnum):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    BREAK = "break"
    DELAYED = "delayed"
    SUSPENDED = "suspended"
    POSTPONED = "postponed"
    CANCELED = "canceled"
    FINAL = "final"

    @property
    def is_live(self) -> bool:
        return self in (GameStatus.IN_PROGRESS, GameStatus.BREAK)


class PriceBand(msgspec.Struct, frozen=True):
    """Prices in [start_u, end_u] move in steps of step_u."""

    start_u: int
    end_u: int
    step_u: int


class FeeSchedule(msgspec.Struct, frozen=True):
    """`rate × contracts × (p × (1 − p)) ^ exponent`, rounded up to `quantum_u`. Rates are millionths (0.07 = 70_000).

    An estimate for decisions, never below what the venue charges; the exact engine with its rounding rules and
    per-order accumulators is each adapter's `fees` module, and what a fill says it cost is the truth.
    """

    taker_rate_u: int = 0
    maker_rate_u: int = 0
    exponent: int = 1
    quantum_u: int = 100

    def fee_u(self, *, price_u: int, qty_u: int, is_taker: bool = True) -> int:
        """µUSD for `qty_u` at `price_u`, rounded up to the quantum; symmetric in YES and NO."""
        rate_u = self.taker_rate_u if is_taker else self.maker_rate_u
        if not rate_u or not qty_u:
            return 0
        numerator: int = rate_u * qty_u * (price_u * (MICRO - price_u)) ** self.exponent
        denominator: int = MICRO * MICRO ** (2 * self.exponent) * self.quantum_u
        return -(-numerator // denominator) * self.quantum_u


class VenueMarket(msgspec.Struct, frozen=True, kw_only=True):
    """One proposition listed at one venue. `market_id` is `"<venue>:<native_id>"` and opaque outside `venues`.

    `routing` is the adapter's own note (token ids, shard, exchange version …) as JSON; nobody else reads it.
    """

    market_id: str
    venue: Venue
    native_id: str
    event_id: str
    kind: MarketKind
    league: str
    title: str
    yes_label: str
    no_label: str
    team_names: tuple[str, ...] = ()
    yes_team_code: str = ""
    state: MarketState = MarketState.OPEN
    bands: tuple[PriceBand, ...] = (PriceBand(0, MICRO, 10_000),)
    lot_u: int = 10_000
    min_qty_u: int = 10_000
    min_taker_usd_u: int = 0
    fees: FeeSchedule = FeeSchedule()
    taker_delay_ms: int = 0
    clears_book_at_start: bool = False
    game_start_ms: int | None = None
    close_ms: int | None = None
    result: Outcome | None = None
    settlement_value_u: int | None = None
    rules: str = ""
    routing: str = "{}"

    def tick_u(self, price_u: int) -> int:
        """The price step that holds at `price_u`."""
        for band in self.bands:
            if band.start_u <= price_u <= band.end_u:
                return band.step_u
        return self.bands[-1].step_u

    def is_on_grid(self, price_u: int) -> bool:
        return 0 < price_u < MICRO and any(
            band.start_u <= price_u <= band.end_u and (price_u - band.start_u) % band.step_u == 0 for band in self.bands
        )


class TeamRef(msgspec.Struct, frozen=True):
    source_id: str
    code: str
    name: str


class BookSnapshot(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The whole book. Levels are `(price_u, qty_u)`, in any order, YES frame."""

    market_id: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    venue_ms: int


class BookDelta(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A signed change of one level (Kalshi's way)."""

    market_id: str
    is_bid: bool
    price_u: int
    delta_u: int
    venue_ms: int


class BookLevel(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The new total of one level; 0 removes it (Polymarket's way)."""

    market_id: str
    is_bid: bool
    price_u: int
    qty_u: int
    venue_ms: int


class BookGap(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The book of this market can no longer be trusted until its next snapshot."""

    market_id: str
    reason: str


class PublicTrade(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A public print: `price_u` of YES; `taker_side` is BUY when the taker bought YES."""

    market_id: str
    trade_id: str
    price_u: int
    qty_u: int
    taker_side: Side
    venue_ms: int


class MarketListed(msgspec.Struct, frozen=True, tag=True):
    """A market is known, or its terms changed (tick, fee, delay, state): replaces what was known."""

    market: VenueMarket


class MarketStateChanged(msgspec.Struct, frozen=True, tag=True):
    market_id: str
    state: MarketState
    venue_ms: int
    result: Outcome | None = None
    settlement_value_u: int | None = None


class GameState(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The state of a game as one source tells it. `segment` is the sport's own: q1…q4, ot1, h1, p3, inning_7, set_2.

    `remaining_s` is what is left of regulation (None where the sport has no clock), `elapsed_frac` the played part of
    regulation in millionths for every sport.
    """

    game_id: str
    source: str
    league: str
    sport: str
    status: GameStatus
    home: TeamRef
    away: TeamRef
    home_score: int
    away_score: int
    start_ms: int
    period: int = 0
    segment: str = ""
    clock_text: str = ""
    remaining_s: int | None = None
    elapsed_frac_u: int = 0
    winner: str = ""
    detail: str = ""
    situation: str = ""
    source_ms: int = 0


class OrderReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue's own view of one of our orders. Never a source of fills: those come as `FillReport`."""

    venue: Venue
    account: str
    venue_order_id: str
    client_order_id: str
    market_id: str
    state: OrderState
    filled_u: int
    remaining_u: int
    venue_ms: int
    reason: str = ""
    side: Side | None = None
    outcome: Outcome | None = None
    price_u: int | None = None
    qty_u: int | None = None


class FillReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One execution, identified for ever by (venue, account, trade_id, leg). `price_u` is of `outcome`."""

    venue: Venue
    account: str
    trade_id: str
    leg: str
    venue_order_id: str
    client_order_id: str
    market_id: str
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    fee_u: int
    is_taker: bool
    settle_state: SettleState
    venue_ms: int

    def told_as(self, *, side: Side, outcome: Outcome) -> FillReport:
        """The same execution in the words of the order that caused it.

        A venue that nets reports YES only; its SELL of YES at p is a BUY of NO at 1 - p. Raises ValueError when the
        words would turn the exposure around (a BUY of YES is no BUY of NO).
        """
        if outcome is self.outcome and side is self.side:
            return self
        if (outcome is self.outcome) == (side is self.side):
            return msgspec.structs.replace(self, side=side, outcome=outcome, price_u=MICRO - self.price_u)
        raise ValueError(f"a fill of {self.side} {self.outcome} cannot be told as {side} {outcome}")


class SettlementReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue paid a settled market. `payout_u` is the cash it credited; `value_u` what one YES contract paid."""

    venue: Venue
    account: str
    market_id: str
    value_u: int
    yes_qty_u: int
    no_qty_u: int
    payout_u: int
    venue_ms: int


class PositionReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the venue holds for us in one market (both legs; a netting venue fills at most one)."""

    venue: Venue
    account: str
    market_id: str
    yes_qty_u: int
    no_qty_u: int
    venue_ms: int


class BalanceReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`available_u`: free cash; `total_u`: cash including what open orders hold; per shard where the venue has them."""

    venue: Venue
    account: str
    available_u: int
    total_u: int
    venue_ms: int
    by_shard: tuple[tuple[int, int], ...] = ()


class FeedStatus(msgspec.Struct, frozen=True, tag=True):
    """A feed connected or lost its connection: `feed` is `kalshi.market`, `polymarket.user`, `espn` …"""

    feed: str
    is_up: bool
    detail: str = ""


MarketMessage = BookSnapshot | BookDelta | BookLevel | BookGap | PublicTrade | MarketListed | MarketStateChanged
AccountMessage = OrderReport | FillReport | SettlementReport | PositionReport | BalanceReport
Message = MarketMessage | AccountMessage | GameState | FeedStatus
