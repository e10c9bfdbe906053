"""The games page: every game as a card, live ones first, with what each venue says of the home side.

Rows come from the database; what the trader shows at the moment (`games` payload) is laid over them. Prices are of
"home wins": a market on the opponent is turned around, a draw has no price here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core import clock, figures, live
from core.pages import ROWS, Json, Part, Payloads
from markets.models import Game
from markets.selectors import games_listed
from venues.leagues import LEAGUES
from venues.types import MICRO, GameStatus

MOST_GAMES = 200
DAY_MS = 86_400_000
SHOWS = ("live", "today", "all")
_STATUS_TEXT = {
    GameStatus.FINAL: "Final",
    GameStatus.POSTPONED: "Postponed",
    GameStatus.CANCELED: "Canceled",
    GameStatus.DELAYED: "Delayed",
    GameStatus.SUSPENDED: "Suspended",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """The chance of the home side at one venue, as its mid price."""

    venue: str
    mid_u: int | None
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Side:
    code: str
    name: str
    score: int
    leads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GameCard:
    uid: str
    league: str
    sport: str
    status: GameStatus
    state_text: str
    situation: str
    start_ms: int
    home: Side
    away: Side
    quotes: tuple[Quote, ...]
    is_held: bool

    @property
    def is_live(self) -> bool:
        return self.status.is_live

    @property
    def has_score(self) -> bool:
        return self.status is not GameStatus.SCHEDULED

    @property
    def league_name(self) -> str:
        known = LEAGUES.get(self.league)
        return known.name if known else self.league


@dataclass(frozen=True, slots=True)
class LeagueGames:
    code: str
    name: str
    games: tuple[GameCard, ...]


class GamesPage:
    """`?show=live|today|all&league=nba`."""

    parts = (Part("games", "markets/parts/games.html", frozenset({"games", "desk", ROWS})),)

    def __init__(self, user: Any, query: Mapping[str, str]) -> None:
        self.topics = {"games": live.GAMES_TOPIC, "desk": live.desk_topic(user.uid)}
        self.show = query["show"] if query.get("show") in SHOWS else "live"
        self.league = query.get("league", "")

    def rows(self) -> Json:
        return {"rows": list(games_listed(league=self.league)[:MOST_GAMES])}

    def rows_key(self, payloads: Payloads) -> object:
        games = payloads["games"]
        return frozenset(game["uid"] for game in games["games"]) if games else None

    def context(self, rows: Json, payloads: Payloads) -> Json:
        cards = game_cards(rows["rows"], payloads)
        now_ms = (payloads["games"] or {}).get("at_ms") or clock.now_ms()
        shown = [card for card in cards if self._is_shown(card, now_ms)]
        counts = {"live": sum(card.is_live for card in cards), "all": len(cards)}
        return {"leagues": by_league(shown), "show": self.show, "league": self.league, "counts": counts}

    def _is_shown(self, card: GameCard, now_ms: int) -> bool:
        if card.is_live or self.show == "all":
            return True
        return self.show == "today" and card.start_ms // DAY_MS == now_ms // DAY_MS


def game_cards(games: Iterable[Game], payloads: Payloads) -> list[GameCard]:
    """Live ones first, then those to come, then those over."""
    told = {one["uid"]: one for one in (payloads.get("games") or {}).get("games", ())}
    held = {leg["market_uid"] for leg in (payloads.get("desk") or {}).get("positions", ())}
    cards = [game_card(game, told.get(str(game.uid), {}), held) for game in games]
    return sorted(cards, key=_by_interest)


def game_card(game: Game, told: Json, held: set[str]) -> GameCard:
    """A game as its row says, with what the trader tells of it laid over."""
    line = told if "status" in told else line_of(game)
    home_score, away_score = line["home_score"], line["away_score"]
    uids = {str(market.uid) for market in game.markets.all()}
    return GameCard(
        uid=str(game.uid),
        league=line["league"],
        sport=line["sport"],
        status=GameStatus(line["status"]),
        state_text=state_text(line),
        situation=line.get("situation") or "",
        start_ms=line["start_ms"],
        home=_side(line["home"], home_score, away_score),
        away=_side(line["away"], away_score, home_score),
        quotes=home_quotes(told.get("markets", ())),
        is_held=bool(uids & held),
    )


def line_of(game: Game) -> Json:
    """The score line of a row, in the words of a payload."""
    return {
        "league": game.league,
        "sport": game.sport,
        "status": game.status,
        "segment": game.segment,
        "clock_text": game.clock_text,
        "detail": game.detail,
        "situation": game.state.get("situation", ""),
        "start_ms": clock.to_ms(game.starts_at),
        "home": {"code": game.home_code, "name": game.home_name},
        "away": {"code": game.away_code, "name": game.away_name},
        "home_score": game.home_score,
        "away_score": game.away_score,
    }


def state_text(line: Json) -> str:
    """'Q3 4:32', 'Final', 'Sat 6 Dec, 19:00'."""
    status = GameStatus(line["status"])
    if status is GameStatus.SCHEDULED:
        return figures.start_text(line["start_ms"])
    if status.is_live:
        return line["detail"] or f"{line['segment']} {line['clock_text']}".strip() or "Live"
    return _STATUS_TEXT[status]


def home_quotes(markets: Iterable[Json]) -> tuple[Quote, ...]:
    """One quote per venue, of the home side; a venue that lists only the opponent is turned around."""
    found: dict[str, Quote] = {}
    for market in sorted(markets, key=lambda one: (one["venue"], one["yes_is_home"] is not True)):
        if market["yes_is_home"] is None or market["venue"] in found:
            continue
        mid_u = market["mid_u"]
        turned_u = mid_u if mid_u is None or market["yes_is_home"] else MICRO - mid_u
        found[market["venue"]] = Quote(market["venue"], turned_u, market["is_valid"])
    return tuple(found.values())


def by_league(cards: Iterable[GameCard]) -> list[LeagueGames]:
    """Leagues in the order of their first card, which is the order of interest."""
    grouped: dict[str, list[GameCard]] = {}
    for card in cards:
        grouped.setdefault(card.league, []).append(card)
    return [LeagueGames(code, games[0].league_name, tuple(games)) for code, games in grouped.items()]


def _side(team: Json, score: int, other: int) -> Side:
    return Side(team["code"] or team["name"], team["name"], score, score > other)


def _by_interest(card: GameCard) -> tuple[int, int, str]:
    if card.is_live:
        return 0, card.start_ms, card.uid
    if card.status is GameStatus.SCHEDULED:
        return 1, card.start_ms, card.uid
    return 2, -card.start_ms, card.uid
