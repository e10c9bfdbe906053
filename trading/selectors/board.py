"""The game page's view of a game payload: score line, and every venue's book seen from one side of the game.

Pure. A side is an answer to "who wins": home, away or, where there is one, the draw. A venue's book is shown in the
side's own frame: its market on that side as it is, or, where the venue lists only the opponent in a game without a
draw, that market turned around (a bid for the opponent is an offer of this side at one minus the price).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median_high
from typing import Any

from venues.types import MICRO

Json = dict[str, Any]

HOME, AWAY, DRAW = "home", "away", "draw"
SHOWN_LEVELS = 6


@dataclass(frozen=True, slots=True)
class Level:
    """One price and its size; `share` (1 to 100) is its size against twice the book's median."""

    price_u: int
    qty_u: int
    share: int = 0

    @property
    def rest(self) -> int:
        """Where its bar begins, counted from the left."""
        return 100 - self.share


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade; `side` is the taker's, in the frame of the book."""

    at_ms: int
    price_u: int
    qty_u: int
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBook:
    """One venue's offers on one side of the game, best first."""

    key: str
    market_uid: str
    venue: str
    is_turned: bool
    state: str
    is_valid: bool
    age_ms: int | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    prints: tuple[Print, ...]
    fair_u: int | None
    baseline_u: int | None
    has_best_bid: bool = False
    has_best_ask: bool = False

    @property
    def bid_u(self) -> int | None:
        return self.bids[0].price_u if self.bids else None

    @property
    def ask_u(self) -> int | None:
        return self.asks[0].price_u if self.asks else None

    @property
    def mid_u(self) -> int | None:
        """Between the best prices; the one there is when the other side is empty."""
        known = [price for price in (self.bid_u, self.ask_u) if price is not None]
        return sum(known) // len(known) if known else None

    @property
    def spread_u(self) -> int | None:
        return None if self.bid_u is None or self.ask_u is None else self.ask_u - self.bid_u

    @property
    def ladder_asks(self) -> tuple[Level, ...]:
        """From the highest down to the best, as a ladder shows them."""
        return tuple(reversed(self.asks))

    @property
    def age_s(self) -> int | None:
        return None if self.age_ms is None else self.age_ms // 1_000


@dataclass(frozen=True, slots=True)
class GameSide:
    """One answer to "who wins", with the book of every venue that lists it."""

    key: str
    code: str
    name: str
    books: tuple[VenueBook, ...]

    @property
    def fair_u(self) -> int | None:
        return next((book.fair_u for book in self.books if book.fair_u is not None), None)

    @property
    def baseline_u(self) -> int | None:
        return next((book.baseline_u for book in self.books if book.baseline_u is not None), None)

    @property
    def mid_u(self) -> int | None:
        """The mean of the venues' mids."""
        mids = [book.mid_u for book in self.books if book.mid_u is not None]
        return sum(mids) // len(mids) if mids else None

    @property
    def crossing_u(self) -> int | None:
        """How much one venue bids above what another asks; None while no two venues cross."""
        bids = [book.bid_u for book in self.books if book.bid_u is not None]
        asks = [book.ask_u for book in self.books if book.ask_u is not None]
        gap_u = max(bids) - min(asks) if len(self.books) > 1 and bids and asks else 0
        return gap_u if gap_u > 0 else None


def sides_of(payload: Json) -> tuple[GameSide, ...]:
    """The sides of the payload's game that some venue lists, home first."""
    game, markets = payload["game"], payload["markets"]
    named = ((HOME, game.get("home")), (AWAY, game.get("away")), (DRAW, {"code": "Draw", "name": "Draw"}))
    found = []
    for key, team in named:
        books = [book for venue in _venues(markets) if (book := _book(key, venue, markets)) is not None]
        if books and team:
            found.append(GameSide(key, team["code"] or team["name"], team["name"], _marked(_scaled(books))))
    return tuple(found)


def in_frame(price_u: int, *, is_turned: bool) -> int:
    return MICRO - price_u if is_turned else price_u


def _venues(markets: list[Json]) -> list[str]:
    return sorted({market["venue"] for market in markets if market["venue"]})


def _book(side: str, venue: str, markets: list[Json]) -> VenueBook | None:
    """The venue's market on the side, else its opponent's turned around; None where it lists neither."""
    by_side = {side_of(market["yes_is_home"]): market for market in markets if market["venue"] == venue}
    if side in by_side:
        return _read(side, by_side[side], is_turned=False)
    opposite = {HOME: AWAY, AWAY: HOME}.get(side)
    if opposite in by_side and DRAW not in by_side:
        return _read(side, by_side[opposite], is_turned=True)
    return None


def side_of(yes_is_home: bool | None) -> str:
    """Which side YES of a market stands for."""
    if yes_is_home is None:
        return DRAW
    return HOME if yes_is_home else AWAY


def _read(side: str, market: Json, *, is_turned: bool) -> VenueBook:
    bids, asks = (market["asks"], market["bids"]) if is_turned else (market["bids"], market["asks"])
    return VenueBook(
        key=f"{side}-{market['uid']}",
        market_uid=market["uid"],
        venue=market["venue"],
        is_turned=is_turned,
        state=market["state"],
        is_valid=market["is_valid"],
        age_ms=market["age_ms"],
        bids=_levels(bids, is_turned=is_turned),
        asks=_levels(asks, is_turned=is_turned),
        prints=tuple(_print(one, is_turned=is_turned) for one in market["trades"]),
        fair_u=_framed(market["fair_u"], is_turned=is_turned),
        baseline_u=_framed(market["baseline_u"], is_turned=is_turned),
    )


def _levels(levels: list[Any], *, is_turned: bool) -> tuple[Level, ...]:
    shown = levels[:SHOWN_LEVELS]
    return tuple(Level(in_frame(price_u, is_turned=is_turned), qty_u) for price_u, qty_u in shown)


def _print(one: list[Any], *, is_turned: bool) -> Print:
    at_ms, price_u, qty_u, side = one
    turned = {"buy": "sell", "sell": "buy"}.get(side, side) if is_turned else side
    return Print(at_ms, in_frame(price_u, is_turned=is_turned), qty_u, turned)


def _framed(price_u: int | None, *, is_turned: bool) -> int | None:
    return None if price_u is None else in_frame(price_u, is_turned=is_turned)


def _scaled(books: list[VenueBook]) -> list[VenueBook]:
    """Each venue's bars are measured by its own book: the venues' sizes differ by orders of magnitude."""
    bars = [_full_bar_u(book) for book in books]
    return [
        replace(book, bids=_measured(book.bids, full_u), asks=_measured(book.asks, full_u))
        for book, full_u in zip(books, bars, strict=True)
    ]


def _full_bar_u(book: VenueBook) -> int:
    """Twice the median level: the million contracts at the ends of a book would flatten all else."""
    sizes = [level.qty_u for level in (*book.bids, *book.asks)]
    return 2 * median_high(sizes) if sizes else 1


def _measured(levels: tuple[Level, ...], full_u: int) -> tuple[Level, ...]:
    return tuple(replace(level, share=min(max(level.qty_u * 100 // full_u, 1), 100)) for level in levels)


def _marked(books: list[VenueBook]) -> tuple[VenueBook, ...]:
    """Which venue bids most and which asks least; nobody is marked where only one venue lists the side."""
    if len(books) < 2:
        return tuple(books)
    bid_u = max((book.bid_u for book in books if book.bid_u is not None), default=None)
    ask_u = min((book.ask_u for book in books if book.ask_u is not None), default=None)
    return tuple(
        replace(
            book,
            has_best_bid=bid_u is not None and book.bid_u == bid_u,
            has_best_ask=ask_u is not None and book.ask_u == ask_u,
        )
        for book in books
    )
