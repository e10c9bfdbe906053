"""The game's chart: what each venue and our own model say of "home wins" over time, with what we did.

Every price is turned into the frame of one side (home, or the first side listed). Points are pairs of venue
milliseconds and cents; a gap in the quotes is a gap in the line. Floats appear here only: they are drawn, not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from accounts.models import User
from core.clock import to_ms
from core.figures import cents_text, quantity_text
from markets.models import Game, Market, PricePoint
from markets.selectors import price_history
from trading.models import Decision
from trading.selectors.board import AWAY, HOME, GameSide, in_frame, side_of
from trading.selectors.ledgers import decisions_of, fills_of
from trading.selectors.pages import FillLine, fill_lines
from venues.types import MICRO, Outcome, Side

Json = dict[str, Any]
Point = list[float | int | None]

POINTS_A_MARKET = 1_500
MARKERS = 200
ACTING = ("enter", "exit", "propose")


def chart_of(user: User, game: Game) -> Json:
    """Everything the chart starts with: one line per venue, the fair value, and the markers."""
    lines = {market.venue: (market, turned) for market, turned in _lines_of(game.markets.all())}
    histories = {venue: price_history(market, at_most=POINTS_A_MARKET) for venue, (market, _) in lines.items()}
    series = {venue: _mids(histories[venue], is_turned=turned) for venue, (_, turned) in lines.items()}
    fair = next((_fairs(histories[venue], is_turned=turned) for venue, (_, turned) in lines.items()), [])
    return {
        "side": game.home_code or game.home_name,
        "series": series,
        "fair": fair,
        "markers": markers_of(user, game),
    }


def tick_of(side: GameSide | None, at_ms: int) -> Json:
    """The newest point of every line."""
    if side is None:
        return {}
    series = {book.venue: _cents(book.mid_u) for book in side.books if book.is_valid}
    return {"at": at_ms, "series": series, "fair": _cents(side.fair_u)}


def markers_of(user: User, game: Game) -> list[Json]:
    """Fills, and decisions that acted or wanted to; oldest first."""
    markets = {market.pk: market for market in game.markets.all()}
    fills = fills_of(user).filter(market__in=markets).order_by("-id")[:MARKERS]
    decisions = decisions_of(user).filter(market__in=markets, verdict__in=ACTING).order_by("-id")[:MARKERS]
    marks = [_of_fill(line) for line in fill_lines(fills)]
    marks += [_of_decision(one) for one in decisions if one.mid_u is not None]
    return sorted(marks, key=lambda mark: int(mark["at"]))


def _lines_of(markets: Iterable[Market]) -> list[tuple[Market, bool]]:
    """One market per venue: the one on home, else the one on the opponent, turned around."""
    chosen: dict[str, tuple[Market, bool]] = {}
    for market in sorted(markets, key=lambda one: (one.venue, one.yes_is_home is not True)):
        if side_of(market.yes_is_home) in (HOME, AWAY):
            chosen.setdefault(market.venue, (market, not market.yes_is_home))
    return list(chosen.values())


def _mids(points: Sequence[PricePoint], *, is_turned: bool) -> list[Point]:
    return [[to_ms(point.at), _cents(_framed(_mid_u(point), is_turned))] for point in points]


def _fairs(points: Sequence[PricePoint], *, is_turned: bool) -> list[Point]:
    return [[to_ms(point.at), _cents(_framed(point.fair_u, is_turned))] for point in points]


def _mid_u(point: PricePoint) -> int | None:
    known = [price for price in (point.bid_u, point.ask_u) if price is not None]
    return sum(known) // len(known) if known else None


def _of_fill(line: FillLine) -> Json:
    market, said = line.row.market, "Bought" if line.side == Side.BUY else "Sold"
    what = f"{quantity_text(line.row.qty_u)} {line.outcome.upper()} {market.yes_label} at {cents_text(line.price_u)}"
    price_u = home_price_u(market, line.outcome, line.price_u)
    label = f"{said} {what} ({market.venue})"
    return {"at": to_ms(line.row.venue_at), "price": _cents(price_u), "kind": line.side, "label": label}


def _of_decision(one: Decision) -> Json:
    price_u = home_price_u(one.market, one.outcome, one.mid_u or 0)
    label = f"Decided: {one.verdict} {one.outcome.upper()} {one.market.yes_label}, limit {cents_text(one.price_u)}"
    return {"at": to_ms(one.decided_at), "price": _cents(price_u), "kind": "decision", "label": label}


def home_price_u(market: Market, outcome: str, price_u: int) -> int:
    """A price of one outcome of a market, as a price of "home wins"."""
    is_home = (outcome == Outcome.YES) == (market.yes_is_home is True)
    return in_frame(price_u, is_turned=not is_home)


def _framed(price_u: int | None, is_turned: bool) -> int | None:
    return None if price_u is None else in_frame(price_u, is_turned=is_turned)


def _cents(price_u: int | None) -> float | None:
    return None if price_u is None else round(price_u * 100 / MICRO, 2)
