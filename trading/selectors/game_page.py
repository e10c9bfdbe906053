"""The game page: score, both venues' books, the chart's newest point, what we hold and why we act or do not.

The game's own topic is the same for everyone. What belongs to a person (positions, decisions, fills) comes from that
person's rows and desk, never from the game's payload.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from accounts.models import User
from core import live
from core.pages import ROWS, Json, Part, Payloads
from markets.models import Game
from markets.selectors import game_by_uid
from markets.selectors_pages import game_card
from trading.selectors.board import GameSide, sides_of
from trading.selectors.chart import markers_of, tick_of
from trading.selectors.ledgers import fills_of, positions_of
from trading.selectors.pages import DESK_AND_ROWS, ROWS_ONLY, DeskPage, fill_lines, latest_decisions, valued

GAME_AND_ROWS = frozenset({"game", ROWS})
LAST_FILLS = 8


class GamePage(DeskPage):
    """One game, for one user."""

    parts = (
        Part("score", "trading/parts/score.html", GAME_AND_ROWS),
        Part("board-home", "trading/parts/board_home.html", GAME_AND_ROWS),
        Part("board-away", "trading/parts/board_away.html", GAME_AND_ROWS),
        Part("board-draw", "trading/parts/board_draw.html", GAME_AND_ROWS),
        Part("tick", "trading/parts/tick.html", GAME_AND_ROWS),
        Part("markers", "trading/parts/markers.html", ROWS_ONLY),
        Part("held", "trading/parts/held.html", DESK_AND_ROWS),
        Part("why", "trading/parts/decision_list.html", ROWS_ONLY),
        Part("last-fills", "trading/parts/fill_table.html", ROWS_ONLY),
    )

    def __init__(self, user: User, query: Mapping[str, str], *, uid: UUID) -> None:
        super().__init__(user, query)
        self._uid = game_by_uid(uid).uid
        self.topics["game"] = live.game_topic(self._uid)

    def rows(self) -> Json:
        game = game_by_uid(self._uid)
        markets = list(game.markets.all())
        return {
            "game": game,
            "positions": list(positions_of(self.user, is_open=True).filter(market__in=markets)),
            "fills": fill_lines(fills_of(self.user).filter(market__in=markets)[:LAST_FILLS]),
            "decisions": latest_decisions(self.user, markets),
            "markers": json.dumps(markers_of(self.user, game)),
        }

    def context(self, rows: Json, payloads: Payloads) -> Json:
        told, game = payloads["game"], rows["game"]
        sides = {side.key: side for side in sides_of(told)} if told and "home" in told["game"] else {}
        return {
            **rows,
            "card": _card(game, told),
            "sides": sides,
            "tick": json.dumps(tick_of(sides.get("home"), told["at_ms"])) if told else "",
            "held": valued(rows["positions"], payloads["desk"]),
            "chance": _chance(sides.get("home")),
        }


def _card(game: Game, told: Json | None) -> object:
    if told is None:
        return game_card(game, {}, set())
    return game_card(game, {**told["game"], "markets": told["markets"]}, set())


def _chance(home: GameSide | None) -> Json | None:
    """How the market and the model see the home side; drawn as one bar."""
    if home is None:
        return None
    return {"market_u": home.mid_u, "fair_u": home.fair_u, "baseline_u": home.baseline_u}
