"""Which game a market is about, and which side its YES means. Pure; precision first, because a wrong pair looks like
the best trade of the day.

The key is league + unordered pair of teams (by the alias table) + Eastern date of the start; the start time tells the
two games of a double-header apart. Names are never compared fuzzily and nothing is read out of a slug or a ticker.
On recorded listings this finds 27 of 27 and 43 of 43 pairs, while the UTC date finds 19 of 43.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from venues.eastern import eastern_date
from venues.leagues import KALSHI_TIE_CODE, POLYMARKET_DRAW_CODE
from venues.teams import by_espn_id, resolve
from venues.types import GameState, MarketKind, TeamRef, VenueMarket

SAME_START_MS = 15 * 60_000
NEAR_MIDNIGHT_MS = 3 * 3_600_000
DISTINCT_MS = 30 * 60_000
_DRAW_CODES = {KALSHI_TIE_CODE.casefold(), POLYMARKET_DRAW_CODE.casefold()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`yes_is_home`: YES pays if the home side wins; None: YES pays on a draw. `score_u`: 1_000_000 is certain."""

    game_id: str
    yes_is_home: bool | None
    score_u: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Why no game was taken, for the person who looks."""

    reasons: tuple[str, ...]


def match(market: VenueMarket, games: Iterable[GameState], siblings: Iterable[VenueMarket] = ()) -> Match | NoMatch:
    """The one game of this market among `games`, or the reasons why there is none.

    `siblings`: the other markets of the same event at the venue. Their team codes say who plays even where the title
    is short of it ("Miami vs Los Angeles").
    """
    if market.kind is not MarketKind.MONEYLINE:
        return NoMatch((f"a {market.kind} market is not about who wins",))
    if market.game_start_ms is None:
        return NoMatch(("the venue does not say when the game starts",))
    sides = _sides_listed(market, siblings)
    if len(sides) != 2:
        return NoMatch((f"two teams are needed, the listing names {len(sides)}",))
    same_teams = [game for game in games if game.league == market.league and _sides_of(game) == sides]
    if not same_teams:
        return NoMatch((f"no {market.league} game of {' and '.join(sorted(sides))}",))
    game = _on_the_day(same_teams, market.game_start_ms)
    return game if isinstance(game, NoMatch) else _oriented(market, game)


def _sides_listed(market: VenueMarket, siblings: Iterable[VenueMarket]) -> frozenset[str]:
    """Both sides by the codes of the event's markets where there are two, else by the names of the title."""
    event = [one for one in siblings if (one.venue, one.event_id) == (market.venue, market.event_id)]
    codes = {one.yes_team_code for one in (market, *event) if one.yes_team_code}
    coded = {team.code for code in codes if (team := resolve(market.league, code, market.venue))}
    if len(coded) == 2:
        return frozenset(coded)
    return frozenset(_side(market.league, name, market.venue) for name in market.team_names)


def _on_the_day(games: list[GameState], start_ms: int) -> GameState | NoMatch:
    """Same Eastern date (or hours apart over midnight), and of a double-header the game that starts nearest."""
    day = eastern_date(start_ms)
    fitting = [game for game in games if eastern_date(game.start_ms) == day] or [
        game for game in games if abs(game.start_ms - start_ms) <= NEAR_MIDNIGHT_MS
    ]
    if not fitting:
        return NoMatch((f"the teams meet, but not on {day}",))
    fitting.sort(key=lambda game: abs(game.start_ms - start_ms))
    if len(fitting) > 1 and _gap_ms(fitting[1], start_ms) - _gap_ms(fitting[0], start_ms) < DISTINCT_MS:
        return NoMatch((f"{len(fitting)} games of these teams on {day}, and the start does not tell which",))
    return fitting[0]


def _oriented(market: VenueMarket, game: GameState) -> Match | NoMatch:
    """Which side YES means, by the venue's team code, else by the label."""
    reasons = ("teams by alias table", f"Eastern date {eastern_date(game.start_ms)}")
    gap_ms = _gap_ms(game, market.game_start_ms or game.start_ms)
    score_u = 1_000_000 if gap_ms <= SAME_START_MS else 900_000
    if _means_draw(market):
        return Match(game_id=game.game_id, yes_is_home=None, score_u=score_u, reasons=(*reasons, "YES is the draw"))
    home, away = (_side_of(game, ref) for ref in (game.home, game.away))
    for word in (market.yes_team_code, market.yes_label):
        side = _side(market.league, word, market.venue) if word else ""
        if side in (home, away):
            why = (*reasons, f"YES is {side}", f"starts {gap_ms // 60_000} min apart")
            return Match(game_id=game.game_id, yes_is_home=side == home, score_u=score_u, reasons=why)
    return NoMatch((*reasons, f"neither side is called {market.yes_team_code!r} or {market.yes_label!r}"))


def _means_draw(market: VenueMarket) -> bool:
    return {market.yes_team_code.casefold(), market.yes_label.casefold()} & _DRAW_CODES != set()


def _gap_ms(game: GameState, start_ms: int) -> int:
    return abs(game.start_ms - start_ms)


def _sides_of(game: GameState) -> frozenset[str]:
    return frozenset(_side_of(game, ref) for ref in (game.home, game.away))


def _side_of(game: GameState, ref: TeamRef) -> str:
    """Our code of a game's side: by ESPN's id, else by name, else the name itself (players, unlisted teams)."""
    team = by_espn_id(game.league, ref.source_id) or resolve(game.league, ref.name) or resolve(game.league, ref.code)
    return team.code if team else ref.name.casefold()


def _side(league: str, word: str, venue: str) -> str:
    team = resolve(league, word, venue)
    return team.code if team else word.casefold()
