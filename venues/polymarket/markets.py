"""From Gamma's words to a `VenueMarket`: kind, YES side, terms, state; and the adapter's own routing note.

YES is `outcomes[0]`. What that is differs by kind and is read by name, never assumed: a team in title order for a
moneyline, the team named in the question for a spread, Over for a total, Yes for soccer's three-way questions. A market
whose ids do not follow from its condition, or whose spread line contradicts its own title, raises ProtocolError and is
not traded. Source: FACTS §4.3.
"""

from __future__ import annotations

import functools
import re
from decimal import Decimal

import msgspec

from venues.errors import ProtocolError
from venues.leagues import POLYMARKET_DRAW_CODE
from venues.polymarket import ids
from venues.polymarket.constants import FEE_QUANTUM_U, MARKET_ID_PREFIX, MARKETABLE_BUY_MIN_U, SIZE_STEP_U
from venues.polymarket.micro import exact_micro_of, parse_iso_ms
from venues.polymarket.schemas_gamma import GammaEvent, GammaMarket
from venues.shapes import ready
from venues.types import MICRO, FeeSchedule, MarketKind, MarketState, Outcome, PriceBand, Venue, VenueMarket

POSTPONED = "POST"
_KINDS = {"moneyline": MarketKind.MONEYLINE, "spreads": MarketKind.SPREAD, "totals": MarketKind.TOTAL}
_UNSPOKEN_FEES = FeeSchedule(taker_rate_u=50_000, quantum_u=FEE_QUANTUM_U)
"""`feesEnabled` without a schedule: the documented sports rate, rather than none."""
_SPREAD_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\)?\s*$")
_YES_NO = ("Yes", "No")
_PAYOUTS = {("1", "0"): MICRO, ("0", "1"): 0, ("0.5", "0.5"): MICRO // 2}


class Routing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only this adapter needs of a market: the asset ids that orders and books name, and the exchange choice."""

    yes: str
    no: str
    version: str = "v1"
    neg_risk: bool = False
    gamma_id: str = ""
    line: str = ""

    def asset(self, outcome: Outcome) -> str:
        return self.yes if outcome is Outcome.YES else self.no

    def outcome(self, asset_id: str) -> Outcome:
        """Raises ProtocolError for an asset of another market."""
        if asset_id == self.yes:
            return Outcome.YES
        if asset_id == self.no:
            return Outcome.NO
        raise ProtocolError(f"asset {asset_id[:12]}… does not belong to this market", code="foreign_asset")


@functools.lru_cache(maxsize=8192)
def _routing(text: str) -> Routing:
    return msgspec.json.decode(text, type=ready(Routing))


def routing_of(market: VenueMarket) -> Routing:
    return _routing(market.routing)


def market_id_of(condition: str) -> str:
    return MARKET_ID_PREFIX + condition


def kind_of(market: GammaMarket) -> MarketKind:
    """Props and halves are OTHER."""
    return _KINDS.get(market.sports_market_type or "", MarketKind.OTHER)


def venue_market(event: GammaEvent, market: GammaMarket, *, league: str) -> VenueMarket:
    """Raises ProtocolError where the listing contradicts itself or lacks what trading needs."""
    outcomes = _string_pair(market.outcomes, "outcomes")
    names = _Names(event, market, outcomes)
    state, value_u = _state(event, market)
    return VenueMarket(
        market_id=market_id_of(market.condition_id),
        venue=Venue.POLYMARKET,
        native_id=market.condition_id,
        event_id=event.id,
        kind=kind_of(market),
        league=league,
        title=event.title if kind_of(market) is MarketKind.MONEYLINE and event.title else market.question,
        yes_label=names.yes_label,
        no_label=names.no_label,
        team_names=names.teams,
        yes_team_code=names.yes_code,
        state=state,
        bands=bands(exact_micro_of(market.order_price_min_tick_size)),
        lot_u=SIZE_STEP_U,
        min_qty_u=exact_micro_of(market.order_min_size),
        min_taker_usd_u=MARKETABLE_BUY_MIN_U,
        fees=_fees(market),
        taker_delay_ms=market.seconds_delay * 1000,
        clears_book_at_start=market.clear_book_on_start,
        game_start_ms=_game_start_ms(event, market),
        close_ms=parse_iso_ms(market.closed_time) if market.closed_time else None,
        result=result_of(value_u),
        settlement_value_u=value_u,
        rules=market.description or "",
        routing=routing_text(_checked_routing(market, names.line)),
    )


def bands(tick_u: int) -> tuple[PriceBand, ...]:
    """One grid from one tick to one dollar less one tick."""
    return (PriceBand(tick_u, MICRO - tick_u, tick_u),)


def routing_text(routing: Routing) -> str:
    return msgspec.json.encode(routing).decode()


def _checked_routing(market: GammaMarket, line: str) -> Routing:
    """The asset ids by `version`, proven against the condition id where the derivation is known."""
    tokens = _string_pair(market.clob_token_ids, "clobTokenIds")
    if tokens != ids.token_ids(market.condition_id, neg_risk=market.neg_risk):
        raise ProtocolError(f"token ids of {market.slug} do not follow from its condition", code="bad_ids")
    assets = tokens
    if market.version == "v2":
        assets = _pair(market.position_ids or [], "positionIds")
        if not market.neg_risk and assets != ids.binary_position_ids(market.condition_id):
            raise ProtocolError(f"position ids of {market.slug} do not follow from its condition", code="bad_ids")
    elif market.version != "v1":
        raise ProtocolError(f"market {market.slug} has the unknown version {market.version!r}", code="bad_version")
    return Routing(*assets, version=market.version, neg_risk=market.neg_risk, gamma_id=market.id, line=line)


class _Names:
    """Who is YES, by name. `teams` are in title order; codes are the venue's, from the event's teams or its slug."""

    def __init__(self, event: GammaEvent, market: GammaMarket, outcomes: tuple[str, str]) -> None:
        self.teams = _team_names(event)
        self.line = ""
        self.yes_label, self.no_label = outcomes
        subject = outcomes[0]
        if kind_of(market) is MarketKind.SPREAD:
            self.line = _spread_line(market, outcomes[0])
            self.yes_label = f"{outcomes[0]} {self.line}"
            self.no_label = f"{outcomes[1]} {_opposite(self.line)}"
        elif kind_of(market) is MarketKind.TOTAL:
            self.line = _total_line(market)
            self.yes_label, self.no_label = (f"{outcome} {self.line}" for outcome in outcomes)
        elif outcomes == _YES_NO and market.group_item_title:
            subject = market.group_item_title
            self.yes_label, self.no_label = subject, f"not {subject}"
        self.yes_code = _team_code(event, self.teams, subject)


def _team_names(event: GammaEvent) -> tuple[str, ...]:
    first, versus, second = event.title.partition(" vs. ")
    return (first.strip(), second.partition(" - ")[0].strip()) if versus else ()


def _team_code(event: GammaEvent, teams: tuple[str, ...], name: str) -> str:
    """The venue's code of a team: from the event's own list, else from the slug, which follows the title's order."""
    if name.startswith("Draw"):
        return POLYMARKET_DRAW_CODE
    for team in event.teams or []:
        if name in (team.name, team.alias) and team.abbreviation:
            return team.abbreviation.lower()
    codes = event.slug.split("-")[1:3]
    return codes[teams.index(name)] if name in teams and len(codes) == 2 else ""


def _spread_line(market: GammaMarket, named: str) -> str:
    """The handicap of outcomes[0] with its sign, from the title; `line` must agree and the question must name it.

    Full-game spreads carry the sign of the question (53 of 53 seen); first-half ones the opposite, and are not listed.
    """
    match = _SPREAD_NUMBER.search(market.group_item_title or market.question)
    if match is None or market.line is None or Decimal(match[1]) != market.line or named not in market.question:
        raise ProtocolError(f"the spread of {market.slug} contradicts itself", code="bad_line")
    return f"{market.line.normalize():+f}"


def _opposite(line: str) -> str:
    return f"{-Decimal(line):+f}"


def _total_line(market: GammaMarket) -> str:
    match = _SPREAD_NUMBER.search(market.group_item_title or market.question)
    if match is None or market.line is None or Decimal(match[1]) != market.line:
        raise ProtocolError(f"the total of {market.slug} contradicts itself", code="bad_line")
    return f"{market.line.normalize():f}"


def _state(event: GammaEvent, market: GammaMarket) -> tuple[MarketState, int | None]:
    """The state, and what one YES pays once that is known.

    `acceptingOrders` can stay true after the end of a game, so `ended` and a proposed resolution close it as well.
    """
    if market.closed:
        value_u = _settlement_value_u(market)
        return (MarketState.CLOSED if value_u is None else MarketState.SETTLED), value_u
    if event.ended or market.uma_resolution_status in ("proposed", "disputed", "resolved"):
        return MarketState.CLOSED, None
    if not market.active:
        return MarketState.UNOPENED, None
    return (MarketState.OPEN if market.accepting_orders else MarketState.PAUSED), None


def _settlement_value_u(market: GammaMarket) -> int | None:
    """Final prices 1/0, 0/1 or 0.5/0.5; anything else (markets of 2021 show 0/0 or a last price) says nothing."""
    if not market.outcome_prices:
        return None
    return _PAYOUTS.get(_string_pair(market.outcome_prices, "outcomePrices"))


def result_of(value_u: int | None) -> Outcome | None:
    """None while unknown, and for a 50-50."""
    return {MICRO: Outcome.YES, 0: Outcome.NO}.get(value_u) if value_u is not None else None


def _fees(market: GammaMarket) -> FeeSchedule:
    if not market.fees_enabled:
        return FeeSchedule(quantum_u=FEE_QUANTUM_U)
    if market.fee_schedule is None:
        return _UNSPOKEN_FEES
    schedule = market.fee_schedule
    rate_u = exact_micro_of(schedule.rate)
    return FeeSchedule(
        taker_rate_u=rate_u,
        maker_rate_u=0 if schedule.taker_only else rate_u,
        exponent=schedule.exponent,
        quantum_u=FEE_QUANTUM_U,
    )


def _game_start_ms(event: GammaEvent, market: GammaMarket) -> int | None:
    """None while a game is postponed: the venue takes the start off the market but leaves it on the event."""
    if event.period == POSTPONED:
        return None
    text = market.game_start_time or event.start_time
    return parse_iso_ms(text) if text else None


def _string_pair(text: str | None, field: str) -> tuple[str, str]:
    """Two texts out of Gamma's JSON-in-a-string."""
    try:
        return _pair(msgspec.json.decode(text or "[]", type=list[str]), field)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"{field} is not a list of texts", code="bad_json") from error


def _pair(values: list[str], field: str) -> tuple[str, str]:
    if len(values) != 2 or not all(values):
        raise ProtocolError(f"{field} does not name two outcomes", code="not_binary")
    return values[0], values[1]
