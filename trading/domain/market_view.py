"""One market as the session sees it: book, terms, game, baseline and fair value; and each outcome's own frame.

Invariant: everything is held in the YES frame once; `Look` turns it into the frame of its outcome, so that buying NO
is judged by the same code as buying YES. A price of 0 stands for "no quote" here, as in `venues.book`.
"""

from __future__ import annotations

from collections.abc import Iterable

from trading.domain.commands import Baseline
from trading.domain.config import DipOverride, DipSettings, SessionConfig, TradingAccount
from trading.domain.fair_value import (
    before_the_start,
    fair_yes_u,
    implied_strength,
    recoverable,
    remaining_fraction,
)
from trading.domain.games import GameView
from trading.domain.messages import BookChange
from trading.domain.price_trail import PriceTrail
from venues.book import Book
from venues.types import (
    MICRO,
    BookDelta,
    BookGap,
    BookLevel,
    BookSnapshot,
    FeeSchedule,
    MarketState,
    Outcome,
    VenueMarket,
)


class Look:
    """One outcome of a market: its prices (0: none) as of the last look, and what the strategy remembers about it.

    `mid_u2` is twice the mid. `cached_*` belong to the gates, `told_*` and `tell_again_us` to the telling.
    """

    __slots__ = (
        "ask_u",
        "baseline_u",
        "bid_u",
        "cached_block",
        "cached_epoch",
        "cached_until_us",
        "entry_bucket",
        "is_yes",
        "market",
        "mid_u2",
        "outcome",
        "recoverable_u",
        "tell_again_us",
        "told_reason",
        "told_us",
        "tried_exit_us",
        "trigger_u2",
        "weigh_below_ask_u",
        "weigh_below_mid_u2",
    )

    def __init__(self, market: MarketView, outcome: Outcome) -> None:
        self.market = market
        self.outcome = outcome
        self.is_yes = outcome is Outcome.YES
        self.bid_u = self.ask_u = self.mid_u2 = 0
        self.baseline_u: int | None = None
        self.trigger_u2 = 0
        self.cached_block = -1
        self.cached_epoch = -1
        self.cached_until_us = 0
        self.entry_bucket = -1
        self.told_reason = ""
        self.told_us = 0
        self.tell_again_us = 0
        self.recoverable_u: int | None = None
        self.weigh_below_ask_u = 0
        self.weigh_below_mid_u2 = 0
        self.tried_exit_us = 0

    @property
    def fair_u(self) -> int | None:
        fair_u = self.market.fair_u
        return fair_u if self.is_yes or fair_u is None else MICRO - fair_u

    @property
    def team(self) -> str:
        """Which side of the game this outcome backs: markets of one game share it whatever their orientation."""
        yes_is_home = self.market.yes_is_home
        if yes_is_home is None:
            return "draw" if self.is_yes else "no_draw"
        return "home" if yes_is_home is self.is_yes else "away"

    def net_bid_u(self) -> int:
        """What selling one contract brings now, its fee paid; 0 without a bid."""
        return self.bid_u - self.market.fee_u(self.bid_u) if self.bid_u else 0

    def net_mark_u(self) -> int:
        """What one contract is worth to us: the mid less the fee to sell. Where the spread is wider than we would
        enter at, the mid says nothing and the bid counts; 0 without a bid."""
        spread_u = self.ask_u - self.bid_u
        if not self.bid_u or not self.ask_u or spread_u > self.market.settings.max_spread_u:
            return self.net_bid_u()
        mark_u = self.mid_u2 // 2
        return mark_u - self.market.fee_u(mark_u)

    def stop_u(self, entry_price_u: int) -> int:
        """The mark at or below which a position entered at this price is given up."""
        return entry_price_u * (MICRO - self.market.settings.stop_loss_u) // MICRO

    def depth_u(self, limit_u: int) -> int:
        """µcontracts on offer at `limit_u` or better for a buyer of this outcome."""
        book = self.market.book
        return book.depth_to(False, limit_u) if self.is_yes else book.depth_to(True, MICRO - limit_u)

    def best_ask_qty_u(self) -> int:
        book = self.market.book
        return book.best_ask_qty_u if self.is_yes else book.best_bid_qty_u

    def depth_usd_u(self, wanted_usd_u: int) -> int:
        """µUSD on offer within the slippage cap; only the best level's when that alone is what is wanted."""
        ask_u = self.ask_u
        best_u = self.best_ask_qty_u() * ask_u // MICRO
        return best_u if best_u >= wanted_usd_u else self.depth_u(self.entry_limit_u()) * ask_u // MICRO

    def entry_limit_u(self) -> int:
        """The most to pay: best ask plus the slippage cap, down to the price grid; never below the ask itself."""
        return max(self.market.on_grid_u(self.ask_u + self.market.settings.slippage_cap_u, self.is_yes), self.ask_u)

    def exit_limit_u(self, bid_u: int) -> int:
        """The least to take: `bid_u` less the slippage cap, up to the price grid (down on the other outcome's)."""
        complement_u = MICRO - bid_u + self.market.settings.slippage_cap_u
        return MICRO - self.market.on_grid_u(complement_u, not self.is_yes)


class MarketView:
    """Everything the session knows of one market. Mutable; only the session changes it."""

    __slots__ = (
        "account",
        "baseline",
        "book",
        "book_us",
        "cached_block",
        "cached_epoch",
        "cached_until_us",
        "evaluated_us",
        "fair_u",
        "fees_by_price",
        "game",
        "is_observe_only",
        "last_mid_u2",
        "listing",
        "looks",
        "market_id",
        "seen_ask_u",
        "seen_bid_u",
        "settings",
        "state",
        "time_left_u",
        "trail",
        "yes_is_home",
    )

    def __init__(self, market_id: str, config: SessionConfig) -> None:
        self.market_id = market_id
        self.book = Book()
        self.listing: VenueMarket | None = None
        self.state = MarketState.UNOPENED
        self.game: GameView | None = None
        self.yes_is_home: bool | None = None
        self.settings = DipSettings()
        self.is_observe_only = False
        self.account: TradingAccount | None = None
        self.baseline: Baseline | None = None
        self.fair_u: int | None = None
        self.time_left_u: int | None = None
        self.fees_by_price: dict[int, int] = {}
        self.seen_bid_u = self.seen_ask_u = -1
        self.last_mid_u2 = 0
        self.book_us = 0
        self.cached_block = -1
        self.cached_epoch = -1
        self.cached_until_us = 0
        self.evaluated_us = 0
        self.trail = PriceTrail(config.trust.stability_window_s)
        self.looks = (Look(self, Outcome.YES), Look(self, Outcome.NO))

    @property
    def is_live(self) -> bool:
        return self.game is not None and self.game.is_live

    def apply(self, changes: Iterable[BookChange]) -> None:
        """Change the book as each says, in turn."""
        book = self.book
        for change in changes:
            match change:
                case BookDelta():
                    book.apply_delta(change.is_bid, change.price_u, change.delta_u)
                case BookLevel():
                    book.set_level(change.is_bid, change.price_u, change.qty_u)
                case BookSnapshot():
                    book.apply_snapshot(change.bids, change.asks)
                case BookGap():
                    book.clear()

    def look_at_book(self, now_us: int) -> None:
        """Note the best prices and the mid (both bests, or the one side there is), in each outcome's frame."""
        book, (yes, no) = self.book, self.looks
        bid_u, ask_u = book.best_bid_u, book.best_ask_u
        self.seen_bid_u, self.seen_ask_u = bid_u, ask_u
        yes.bid_u, yes.ask_u = bid_u, ask_u
        no.bid_u = MICRO - ask_u if ask_u else 0
        no.ask_u = MICRO - bid_u if bid_u else 0
        mid_u2 = bid_u + ask_u if bid_u and ask_u else 2 * (bid_u or ask_u)
        if mid_u2 and book.is_valid:
            yes.mid_u2, no.mid_u2 = mid_u2, 2 * MICRO - mid_u2
            self.last_mid_u2 = mid_u2
            self.trail.note(mid_u2, now_us)
        else:
            yes.mid_u2 = no.mid_u2 = 0

    def list(self, listing: VenueMarket) -> None:
        """Take the market's terms."""
        self.listing = listing
        self.state = listing.state
        self.fees_by_price.clear()

    def fee_u(self, price_u: int) -> int:
        """Taker fee of one contract at this price, µUSD; 0 while the market is not listed."""
        fee_u = self.fees_by_price.get(price_u)
        if fee_u is None:
            fees = self.listing.fees if self.listing is not None else FeeSchedule()
            fee_u = self.fees_by_price[price_u] = fees.fee_u(price_u=price_u, qty_u=MICRO)
        return fee_u

    def forget_answers(self) -> None:
        """Something the slow gates ask about has changed for this market."""
        self.cached_until_us = 0
        for look in self.looks:
            look.cached_until_us = 0

    def configure(self, config: SessionConfig) -> None:
        """Take the settings, the account and the thresholds that follow from them."""
        if self.listing is None:
            return
        override: DipOverride | None = config.markets.get(self.market_id)
        self.settings = config.effective(self.listing.league, self.market_id)
        self.is_observe_only = override is not None and override.is_observe_only
        venue = self.listing.venue
        self.account = next((account for account in config.accounts if account.venue is venue), None)
        self._set_triggers()

    def set_baseline(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self._set_triggers()
        self.refresh()

    def capture_baseline(self, *, is_late: bool) -> Baseline | None:
        """The last valid mid as the baseline; None if there has been no mid yet."""
        mid_u2 = self.last_mid_u2
        if not mid_u2 or self.game is None or self.game.state is None:
            return None
        state = self.game.state if is_late else before_the_start(self.game.state)
        strength = implied_strength(state, mid_u2 / (2 * MICRO), self.yes_is_home)
        strength_u = None if strength is None else round(strength * MICRO)
        baseline = Baseline(market_id=self.market_id, mid_u2=mid_u2, is_late=is_late, strength_u=strength_u)
        self.set_baseline(baseline)
        return baseline

    def refresh(self) -> None:
        """Work out what follows from the game's state, once for each: too costly for the book's path."""
        state = self.game.state if self.game is not None else None
        strength_u = self.baseline.strength_u if self.baseline is not None else None
        if state is None:
            return
        strength = None if strength_u is None else strength_u / MICRO
        self.fair_u = fair_yes_u(state, strength, self.yes_is_home)
        self.time_left_u = round(remaining_fraction(state) * MICRO)
        for look in self.looks:
            hope = recoverable(state, look.team == "home") if look.team in ("home", "away") else None
            look.recoverable_u = None if hope is None else round(hope * MICRO)

    def top_price_u(self) -> int:
        """The highest price an order can name."""
        assert self.listing is not None
        return MICRO - self.listing.tick_u(MICRO - 1)

    def on_grid_u(self, price_u: int, is_yes: bool) -> int:
        """`price_u` of the outcome floored to the grid and kept within it. Bands are symmetric at every venue; the
        step is read on the YES side all the same."""
        assert self.listing is not None
        price_u = min(price_u, self.top_price_u())
        tick_u = self.listing.tick_u(price_u if is_yes else MICRO - price_u)
        return max(price_u // tick_u * tick_u, tick_u)

    def _set_triggers(self) -> None:
        """Doubled mid at or below which each outcome counts as dipped."""
        for look in self.looks:
            absolute_u2 = 2 * self.settings.absolute_entry_price_u
            if self.baseline is None:
                look.baseline_u, look.trigger_u2 = None, absolute_u2
                continue
            base_u2 = self.baseline.mid_u2 if look.is_yes else 2 * MICRO - self.baseline.mid_u2
            fallen_u2 = base_u2 * (MICRO - self.settings.entry_threshold_u) // MICRO
            look.baseline_u = base_u2 // 2
            look.trigger_u2 = max(absolute_u2, fallen_u2)
