"""Tennis, best of three with a tie-break: points on serve, fair price by the exact scoring tree.

The probabilities of game, tie-break, set and match from those of a point are the usual Markov recursion (Newton and
Keller 2005). `home` is the first-named player; a break between sets is a BREAK of the sheet.
"""

from __future__ import annotations

from functools import lru_cache

from venues.simulator.games.probability import phi_inverse
from venues.simulator.games.sheet import Fixture, Odds, Sheet, Tennis
from venues.types import GameStatus

_POINT_MS = 26_000
_CHANGEOVER_MS = 70_000
_SET_BREAK_MS = 120_000
_SERVE = 0.635
_SERVE_PER_SIGMA = 0.034


class TennisRules:
    def step(self, sheet: Sheet, fixture: Fixture) -> int:
        """Let the next point happen; returns the milliseconds until the one after it."""
        if sheet.status in (GameStatus.SCHEDULED, GameStatus.BREAK):
            if sheet.period == 0:
                sheet.detail = Tennis(is_home_serving=sheet.dice.happens(0.5))
            sheet.open_period()
            sheet.last_play = f"Set {sheet.period}"
            return _POINT_MS
        detail = sheet.detail_of(Tennis)
        serve_home, serve_away = _serves(fixture)
        home_wins_point = serve_home if _home_serves_point(detail) else 1.0 - serve_away
        sheet.plays += 1
        if not _add_point(detail, is_home=sheet.dice.happens(home_wins_point)):
            sheet.last_play = _call(detail)
            return round(_POINT_MS * sheet.dice.between(0.5, 1.6))
        return self._end_game(sheet, detail)

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        if sheet.status is GameStatus.FINAL:
            return Odds(home=float(sheet.lead > 0), away=float(sheet.lead < 0))
        serve_home, serve_away = _serves(fixture)
        detail = sheet.detail if isinstance(sheet.detail, Tennis) else Tennis()
        if sheet.status is not GameStatus.IN_PROGRESS:
            set_now = _set_average(serve_home, serve_away)
        else:
            set_now = _set_from(detail, serve_home, serve_away)
        later = _set_average(serve_home, serve_away)
        home = set_now * _match(sheet.home + 1, sheet.away, later)
        home += (1.0 - set_now) * _match(sheet.home, sheet.away + 1, later)
        return Odds(home=home, away=1.0 - home)

    def _end_game(self, sheet: Sheet, detail: Tennis) -> int:
        """Book the game just won: it may end the set, and the set the match."""
        was_tiebreak = detail.home_games == 6 and detail.away_games == 6
        is_home = detail.home_points > detail.away_points
        points = (detail.home_points, detail.away_points)
        detail.home_games += is_home
        detail.away_games += not is_home
        sheet.home_line[-1], sheet.away_line[-1] = detail.home_games, detail.away_games
        detail.is_home_serving = not detail.is_home_serving
        detail.home_points = detail.away_points = 0
        sheet.last_play = f"Game: {detail.home_games}-{detail.away_games}"
        if not _is_set(detail.home_games, detail.away_games):
            if detail.home_games == 6 and detail.away_games == 6:
                detail.tiebreak_first_is_home = detail.is_home_serving
            return _CHANGEOVER_MS if (detail.home_games + detail.away_games) % 2 else _POINT_MS
        return self._end_set(sheet, detail, is_home=is_home, tiebreak=points if was_tiebreak else (0, 0))

    @staticmethod
    def _end_set(sheet: Sheet, detail: Tennis, *, is_home: bool, tiebreak: tuple[int, int]) -> int:
        sheet.home += is_home
        sheet.away += not is_home
        detail.home_tiebreaks.append(tiebreak[0])
        detail.away_tiebreaks.append(tiebreak[1])
        detail.home_games = detail.away_games = 0
        sheet.last_play = f"Set {sheet.period} ends"
        if max(sheet.home, sheet.away) == 2:
            sheet.finish()
            sheet.last_play = "Match ends"
            return 0
        sheet.status = GameStatus.BREAK
        return _SET_BREAK_MS


def _serves(fixture: Fixture) -> tuple[float, float]:
    """P(the server wins a point) for home and for away; the better player serves and returns better."""
    edge = _SERVE_PER_SIGMA * phi_inverse(fixture.home_prob)
    return round(_SERVE + edge, 4), round(_SERVE - edge, 4)


def _home_serves_point(detail: Tennis) -> bool:
    if not (detail.home_games == 6 and detail.away_games == 6):
        return detail.is_home_serving
    played = detail.home_points + detail.away_points
    return detail.tiebreak_first_is_home == ((played + 1) // 2 % 2 == 0)


def _add_point(detail: Tennis, *, is_home: bool) -> bool:
    """True when the point ended the game (or the tie-break)."""
    detail.home_points += is_home
    detail.away_points += not is_home
    target = 7 if detail.home_games == 6 and detail.away_games == 6 else 4
    high, low = max(detail.home_points, detail.away_points), min(detail.home_points, detail.away_points)
    return high >= target and high - low >= 2


def _is_set(home: int, away: int) -> bool:
    return max(home, away) == 7 or (max(home, away) == 6 and abs(home - away) >= 2)


def _call(detail: Tennis) -> str:
    if detail.home_games == 6 and detail.away_games == 6:
        return f"{detail.home_points}-{detail.away_points}"
    names = ("0", "15", "30", "40")
    high = max(detail.home_points, detail.away_points)
    if high >= 3 and detail.home_points == detail.away_points:
        return "Deuce"
    if high > 3:
        return "Advantage"
    return f"{names[detail.home_points]}-{names[detail.away_points]}"


@lru_cache(maxsize=8192)
def _game(server: int, receiver: int, p: float) -> float:
    """P(the server holds) from this many points each."""
    if server >= 3 and receiver >= 3:
        deuce = p * p / (p * p + (1 - p) * (1 - p))
        return {0: deuce, 1: p + (1 - p) * deuce, -1: p * deuce}.get(server - receiver, float(server > receiver))
    if server == 4 or receiver == 4:
        return float(server == 4)
    return p * _game(server + 1, receiver, p) + (1 - p) * _game(server, receiver + 1, p)


@lru_cache(maxsize=65536)
def _tiebreak(home: int, away: int, first_is_home: bool, serve_home: float, serve_away: float) -> float:
    """P(home wins the tie-break); beyond 6–6 two points in a row, one on each serve, decide."""
    if home >= 6 and away >= 6 and home == away:
        both, none = serve_home * (1 - serve_away), (1 - serve_home) * serve_away
        return both / (both + none)
    if max(home, away) >= 7 and abs(home - away) >= 2:
        return float(home > away)
    played = home + away
    p = serve_home if first_is_home == ((played + 1) // 2 % 2 == 0) else 1 - serve_away
    won = _tiebreak(home + 1, away, first_is_home, serve_home, serve_away)
    return p * won + (1 - p) * _tiebreak(home, away + 1, first_is_home, serve_home, serve_away)


@lru_cache(maxsize=16384)
def _set(home: int, away: int, home_serves: bool, serve_home: float, serve_away: float) -> float:
    """P(home wins the set) at the start of a game."""
    if _is_set(home, away):
        return float(home > away)
    if home == 6 and away == 6:
        return _tiebreak(0, 0, home_serves, serve_home, serve_away)
    p = _game(0, 0, serve_home) if home_serves else 1 - _game(0, 0, serve_away)
    won = _set(home + 1, away, not home_serves, serve_home, serve_away)
    return p * won + (1 - p) * _set(home, away + 1, not home_serves, serve_home, serve_away)


def _set_average(serve_home: float, serve_away: float) -> float:
    return (_set(0, 0, True, serve_home, serve_away) + _set(0, 0, False, serve_home, serve_away)) / 2


def _set_from(detail: Tennis, serve_home: float, serve_away: float) -> float:
    """P(home wins the set) from the point being played."""
    games = (detail.home_games, detail.away_games)
    if games == (6, 6):
        first = detail.tiebreak_first_is_home
        return _tiebreak(detail.home_points, detail.away_points, first, serve_home, serve_away)
    if detail.is_home_serving:
        p = _game(detail.home_points, detail.away_points, serve_home)
    else:
        p = 1 - _game(detail.away_points, detail.home_points, serve_away)
    won = _set(games[0] + 1, games[1], not detail.is_home_serving, serve_home, serve_away)
    return p * won + (1 - p) * _set(games[0], games[1] + 1, not detail.is_home_serving, serve_home, serve_away)


def _match(home_sets: int, away_sets: int, set_p: float) -> float:
    if max(home_sets, away_sets) == 2:
        return float(home_sets == 2)
    return set_p * _match(home_sets + 1, away_sets, set_p) + (1 - set_p) * _match(home_sets, away_sets + 1, set_p)
