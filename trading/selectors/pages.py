"""Read models of the trader's pages: dashboard, positions, orders, fills, decisions. All of one user.

Each page has its rows from the database and lays the desk's payload over them (`core.pages`). The payload's `rows_seq`
grows whenever rows may have changed; only then are they read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max

from accounts.models import User
from core import live
from core.money import usd_of
from core.pages import ROWS, Json, Part, Payloads, page_number, slice_of
from markets.selectors import games_listed
from markets.selectors_pages import game_cards
from notifications.selectors import alerts_of
from trading import access
from trading.domain.commands import Verdict
from trading.models import Decision, Fill, Order, OrderEvent, OrderStatus, Position
from trading.selectors.ledgers import PositionView, decisions_of, fills_of, orders_of, positions_of
from trading.selectors.pending import Place, pending_of, pending_settlement
from trading.selectors.refusals import refusal_text
from trading.selectors.risk import WORKING
from trading.selectors.why import Why, tell
from venues.types import MICRO

ACTED = (Verdict.ENTER, Verdict.EXIT, Verdict.PROPOSE)
GLANCE = 6
GLANCE_GAMES = 60
DESK_AND_ROWS = frozenset({"desk", ROWS})
ROWS_ONLY = frozenset({ROWS})


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision row beside its sentence, and the order it led to, if any."""

    row: Decision
    why: Why
    order: Order | None
    refusal: str = ""
    """Why the order was denied, by which check and on which numbers."""


@dataclass(frozen=True, slots=True)
class FillLine:
    """A fill in the words of its order: a venue may report a bought NO as a sold YES at one minus the price."""

    row: Fill
    side: str
    outcome: str
    price_u: int
    usd_u: int


class DeskPage:
    """What the pages of a trader share: the desk's topic and when rows are read again."""

    def __init__(self, user: User, query: Mapping[str, str]) -> None:
        self.user = user
        self.query = query
        self.topics = {"desk": live.desk_topic(user.uid)}

    def rows_key(self, payloads: Payloads) -> object:
        desk = payloads["desk"]
        return desk["rows_seq"] if desk else None


class DashboardPage(DeskPage):
    """Money, the games that are on, what is held, and what was done last."""

    parts = (
        Part("tiles", "trading/parts/tiles.html", DESK_AND_ROWS),
        Part("live-games", "trading/parts/live_games.html", frozenset({"games", "desk", ROWS})),
        Part("held", "trading/parts/held.html", DESK_AND_ROWS),
        Part("last-fills", "trading/parts/fill_table.html", ROWS_ONLY),
        Part("last-decisions", "trading/parts/decision_list.html", ROWS_ONLY),
        Part("last-alerts", "notifications/parts/alert_list.html", ROWS_ONLY),
    )

    def __init__(self, user: User, query: Mapping[str, str]) -> None:
        super().__init__(user, query)
        self.topics["games"] = live.GAMES_TOPIC

    def rows(self) -> Json:
        return {
            "games": list(games_listed()[:GLANCE_GAMES]),
            **_held_rows(self.user),
            "pending": pending_of(self.user, mode=settings.TRADING_MODE),
            "fills": fill_lines(fills_of(self.user)[:GLANCE]),
            "decisions": told(self.user, decisions_of(self.user).filter(verdict__in=ACTED)[:GLANCE]),
            "alerts": list(alerts_of(self.user).filter(seen_at__isnull=True)[:GLANCE]),
        }

    def context(self, rows: Json, payloads: Payloads) -> Json:
        cards = game_cards(rows["games"], payloads)
        on = [card for card in cards if card.is_live]
        return {
            **rows,
            "held": valued(rows["positions"], payloads["desk"], rows["settling"]),
            "games": on[:GLANCE],
            "live_count": len(on),
        }


class PositionsPage(DeskPage):
    """Open positions with their value now, and those closed."""

    parts = (
        Part("held", "trading/parts/held.html", DESK_AND_ROWS),
        Part("closed", "trading/parts/closed.html", ROWS_ONLY),
    )

    def rows(self) -> Json:
        closed = positions_of(self.user, is_open=False).order_by("-closed_at", "-id")
        return {
            **_held_rows(self.user),
            "closed": slice_of(closed, page_number(self.query)),
        }

    def context(self, rows: Json, payloads: Payloads) -> Json:
        return {**rows, "held": valued(rows["positions"], payloads["desk"], rows["settling"])}


class OrdersPage(DeskPage):
    """`?show=working` for those that may still fill."""

    parts = (Part("orders", "trading/parts/orders.html", ROWS_ONLY),)

    def rows(self) -> Json:
        show = "working" if self.query.get("show") == "working" else "all"
        rows = orders_of(self.user)
        rows = rows.filter(status__in=WORKING) if show == "working" else rows
        return {"orders": slice_of(rows, page_number(self.query)), "show": show}

    def context(self, rows: Json, payloads: Payloads) -> Json:
        return rows


class OrderPage(DeskPage):
    """One order: its terms, the evidence it collected, its fills and the decision behind it."""

    parts = (Part("order", "trading/parts/order.html", ROWS_ONLY),)

    def __init__(self, user: User, query: Mapping[str, str], *, uid: UUID) -> None:
        super().__init__(user, query)
        self._uid = access.get_order_for(user, uid).uid

    def rows(self) -> Json:
        order = access.get_order_for(self.user, self._uid)
        fills = fill_lines(fills_of(self.user).filter(order=order))
        return {
            "order": order,
            "events": list(order.events.all()),
            "fills": fills,
            "spent_u": sum(line.usd_u for line in fills),
            "decision": self._decision(order),
        }

    def context(self, rows: Json, payloads: Payloads) -> Json:
        return rows

    def _decision(self, order: Order) -> ToldDecision | None:
        if not order.decision_id:
            return None
        return next(iter(told(self.user, decisions_of(self.user).filter(decision_id=order.decision_id)[:1])), None)


class FillsPage(DeskPage):
    """Every execution, newest first."""

    parts = (Part("fills", "trading/parts/fills.html", ROWS_ONLY),)

    def rows(self) -> Json:
        page = slice_of(fills_of(self.user), page_number(self.query))
        return {"page": page, "fills": fill_lines(page.rows)}

    def context(self, rows: Json, payloads: Payloads) -> Json:
        return rows


class DecisionsPage(DeskPage):
    """`?show=acted|held back|all`: what it did, and what it did not and why."""

    parts = (Part("decisions", "trading/parts/decisions.html", ROWS_ONLY),)
    shows: Mapping[str, tuple[Verdict, ...]] = {
        "acted": ACTED,
        "blocked": (Verdict.BLOCKED,),
        "holding": (Verdict.HOLD,),
        "all": (),
    }

    def rows(self) -> Json:
        asked = self.query.get("show", "acted")
        show = asked if asked in self.shows else "acted"
        rows = decisions_of(self.user)
        rows = rows.filter(verdict__in=self.shows[show]) if self.shows[show] else rows
        page = slice_of(rows, page_number(self.query), size=30)
        return {"page": page, "decisions": told(self.user, page.rows), "show": show}

    def context(self, rows: Json, payloads: Payloads) -> Json:
        return rows


def fill_lines(fills: Iterable[Fill]) -> list[FillLine]:
    return [_fill_line(row) for row in fills]


def _fill_line(row: Fill) -> FillLine:
    order = row.order
    if order is None or order.outcome == row.outcome:
        return FillLine(row, row.side, row.outcome, row.price_u, row.usd_u)
    price_u = MICRO - row.price_u
    return FillLine(row, order.side, order.outcome, price_u, usd_of(price_u=price_u, qty_u=row.qty_u))


def told(user: User, decisions: Iterable[Decision]) -> list[ToldDecision]:
    """The user's decisions with their sentences; an entry that was denied must not read as one that was made."""
    rows = list(decisions)
    acting = [one.decision_id for one in rows if one.verdict in (Verdict.ENTER, Verdict.EXIT)]
    found = orders_of(user).filter(decision_id__in=acting).order_by("attempt") if acting else ()
    orders = {order.decision_id: order for order in found}
    denials = denials_of(orders.values())
    return [_told(one, orders.get(one.decision_id), denials) for one in rows]


def _told(one: Decision, order: Order | None, denials: Mapping[int, Json]) -> ToldDecision:
    is_denied = order is not None and order.status == OrderStatus.DENIED
    refusal = ""
    if order is not None and is_denied:
        refusal = refusal_text(order.reason_code, message=order.reason, seen=denials.get(order.pk))
    return ToldDecision(one, why_of(one), order, refusal)


def denials_of(orders: Iterable[Order]) -> dict[int, Json]:
    """What the refusal of each denied order kept of its check, by the order's id."""
    denied = [order.pk for order in orders if order.status == OrderStatus.DENIED]
    events = OrderEvent.objects.filter(order_id__in=denied, kind="denied") if denied else ()
    return {event.order_id: event.payload for event in events}


def why_of(one: Decision) -> Why:
    return tell(
        verdict=one.verdict, reason=one.reason, detail=one.detail, price_u=one.price_u, qty_u=one.qty_u, note=one.note
    )


def latest_decisions(user: User, markets: Iterable[Any]) -> list[ToldDecision]:
    """The last word on each outcome of these markets: what is held or was done before what was not."""
    of_markets = Decision.objects.filter(user=user, market__in=list(markets))
    newest = of_markets.order_by().values("market_id", "outcome").annotate(last=Max("id")).values("last")
    return sorted(told(user, decisions_of(user).filter(id__in=newest)), key=_by_weight)


def _by_weight(one: ToldDecision) -> tuple[bool, str, str, str]:
    return one.row.verdict == Verdict.BLOCKED, one.row.market.venue, one.row.market.market_id, one.row.outcome


def _held_rows(user: User) -> Json:
    held = list(positions_of(user, is_open=True))
    return {"positions": held, "settling": pending_settlement({row.venue_account_id for row in held})}


def valued(
    positions: Iterable[Position], desk: Json | None, settling: Mapping[Place, int] | None = None
) -> list[PositionView]:
    """Open positions at the desk's marks; without a mark the value stays unknown. `settling`: not final yet."""
    legs = desk["positions"] if desk else ()
    marks = {(leg["account"], leg["market_id"], leg["outcome"]): leg["mark_u"] for leg in legs}
    pending = settling or {}
    return [
        _valued(
            row,
            marks.get((row.venue_account.account_key, row.market.market_id, row.outcome)),
            max(0, pending.get((row.venue_account_id, row.market_id, row.outcome), 0)),
        )
        for row in positions
    ]


def _valued(position: Position, mark_u: int | None, pending_u: int) -> PositionView:
    """What a sale at the mark would bring before its fee, and its gain over all the contracts cost."""
    if mark_u is None:
        return PositionView(position, None, None, None, pending_u)
    value_u = usd_of(price_u=mark_u, qty_u=position.qty_u)
    return PositionView(position, mark_u, value_u, value_u - position.cost_u, pending_u)
