"""What pages see of the session, as plain JSON values: games, one game with its books, the desk.

Pure: reads the session, writes nothing. Amounts and prices stay µ-integers; the pages' filters write them out.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from trading.domain.games import GameView
from trading.domain.market_view import MarketView
from trading.domain.session import Session
from venues.book import Book
from venues.types import MICRO, Outcome, PublicTrade, TeamRef

LEVELS = 6
PRINTS = 6

Json = dict[str, Any]


class Recent:
    """The last public prints of each market: what the session does not keep."""

    def __init__(self) -> None:
        self.prints: dict[str, deque[PublicTrade]] = {}

    def note_print(self, trade: PublicTrade) -> None:
        self.prints.setdefault(trade.market_id, deque(maxlen=PRINTS)).appendleft(trade)


def game_line(game: GameView, uid: str) -> Json:
    """The score line. Empty for a game nobody has told of yet."""
    state = game.state
    if state is None:
        return {"uid": uid}
    return {
        "uid": uid,
        "league": state.league,
        "sport": state.sport,
        "status": state.status,
        "segment": state.segment,
        "clock_text": state.clock_text,
        "detail": state.detail,
        "situation": state.situation,
        "remaining_s": state.remaining_s,
        "winner": state.winner,
        "is_live": state.status.is_live,
        "start_ms": state.start_ms,
        "home": _team(state.home),
        "away": _team(state.away),
        "home_score": state.home_score,
        "away_score": state.away_score,
    }


def quote(market: MarketView, uid: str, now_us: int) -> Json:
    """Best prices of YES; null where a side is empty or the book cannot be trusted."""
    book = market.book
    return {
        "uid": uid,
        "venue": market.listing.venue if market.listing else "",
        "yes_label": market.listing.yes_label if market.listing else market.market_id,
        "yes_is_home": market.yes_is_home,
        "bid_u": (book.best_bid_u or None) if book.is_valid else None,
        "ask_u": (book.best_ask_u or None) if book.is_valid else None,
        "mid_u": _mid_u(book),
        "is_valid": book.is_valid and not book.is_crossed,
        "age_ms": max(0, now_us - market.book_us) // 1_000 if market.book_us else None,
    }


def market_detail(market: MarketView, uid: str, recent: Recent, now_us: int) -> Json:
    """Everything the game page shows of one market."""
    book, listing = market.book, market.listing
    baseline = market.baseline
    return quote(market, uid, now_us) | {
        "market_id": market.market_id,
        "title": listing.title if listing else "",
        "no_label": listing.no_label if listing else "",
        "state": market.state,
        "bid_qty_u": book.best_bid_qty_u if book.is_valid else None,
        "ask_qty_u": book.best_ask_qty_u if book.is_valid else None,
        "fair_u": market.fair_u,
        "baseline_u": baseline.mid_u2 // 2 if baseline else None,
        "bids": book.levels(True, LEVELS) if book.is_valid else [],
        "asks": book.levels(False, LEVELS) if book.is_valid else [],
        "trades": [
            [trade.venue_ms, trade.price_u, trade.qty_u, trade.taker_side]
            for trade in recent.prints.get(market.market_id, ())
        ],
    }


def mark_u(market: MarketView, outcome: Outcome) -> int | None:
    """What one contract of the outcome would sell for now: its best bid, else its mid; None without a book."""
    book = market.book
    if not book.is_valid:
        return None
    if outcome is Outcome.YES:
        return book.best_bid_u or None
    return MICRO - book.best_ask_u if book.best_ask_u else None


def open_legs(session: Session) -> list[Json]:
    """Every open leg with its mark; `unrealized_u` is before the fee of selling it."""
    legs = []
    for (account, market_id), holding in session.desk.portfolio.holdings.items():
        for outcome in Outcome:
            leg = holding.leg(outcome)
            if not leg.qty_u:
                continue
            market = session.markets.get(market_id)
            mark = mark_u(market, outcome) if market is not None else None
            legs.append(
                {
                    "account": account,
                    "market_id": market_id,
                    "outcome": outcome,
                    "qty_u": leg.qty_u,
                    "avg_price_u": leg.entry_price_u,
                    "cost_u": leg.cost_u,
                    "mark_u": mark,
                    "unrealized_u": leg.unrealized_u(mark) if mark is not None else None,
                }
            )
    return legs


def money(session: Session, legs: list[Json], day_start_ms: int) -> Json:
    """Cash, equity and profit of the day. Equity takes a leg without a mark at its cost."""
    cash_u = sum(report.total_u for report in session.desk.balances.values())
    worth_u = sum(leg["cost_u"] + (leg["unrealized_u"] or 0) for leg in legs)
    today = [trade for trade in session.desk.portfolio.closed if trade.closed_ms >= day_start_ms]
    return {
        "cash_u": cash_u,
        "equity_u": cash_u + worth_u,
        "exposure_u": sum(stake.cost_u for stake in session.desk.stakes()),
        "realized_today_u": sum(trade.realized_u for trade in today),
        "unrealized_u": sum(leg["unrealized_u"] or 0 for leg in legs),
        "open_positions": len(legs),
        "working_orders": len(session.desk.intents.working),
    }


def unrealized_losses_u(session: Session, account: str) -> int:
    """µUSD (≤ 0) that the open legs of one account lose at their marks. A gain offsets nothing; a leg without a book is
    taken at the last mid that was seen."""
    total_u = 0
    for (owner, market_id), holding in session.desk.portfolio.holdings.items():
        market = session.markets.get(market_id)
        if owner != account or market is None:
            continue
        for outcome in Outcome:
            leg = holding.leg(outcome)
            price_u = mark_u(market, outcome) or _last_mid_u(market, outcome)
            if leg.qty_u and price_u is not None:
                total_u += min(0, leg.unrealized_u(price_u))
    return total_u


def _last_mid_u(market: MarketView, outcome: Outcome) -> int | None:
    if not market.last_mid_u2:
        return None
    mid_u = market.last_mid_u2 // 2
    return mid_u if outcome is Outcome.YES else MICRO - mid_u


def _mid_u(book: Book) -> int | None:
    """Between the bests, else the one side there is; None without a book that can be trusted."""
    bid_u, ask_u = book.best_bid_u, book.best_ask_u
    if not book.is_valid:
        return None
    return ((bid_u + ask_u) // 2 if bid_u and ask_u else bid_u or ask_u) or None


def _team(team: TeamRef) -> Json:
    return {"code": team.code, "name": team.name}
