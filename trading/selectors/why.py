"""Decisions as sentences: what it did, or which question said no, with the number it saw and the limit.

Pure. The numbers are those kept with the decision; nothing is computed anew. Texts name values as people do: prices in
cents, money in dollars, time in minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core import figures
from trading.domain.commands import Unit, Verdict

Json = dict[str, Any]

_WRITERS: dict[str, Callable[[int], str]] = {
    Unit.PRICE_U: figures.tenths_text,
    Unit.USD_U: figures.money_text,
    Unit.RATIO_U: figures.ratio_text,
    Unit.QTY_U: figures.quantity_text,
    Unit.SECONDS: figures.span_text,
    Unit.COUNT: str,
}

# What each question is called, and the sentence of its No: for a number, and for a text where that differs.
# {v} is the value it saw, {l} its limit.
_GATES: dict[str, tuple[str, ...]] = {
    "trading_active": ("Trading active", "trading is {v}, not active"),
    "strategy_enabled": ("Strategy on", "the strategy is {v} for this league"),
    "not_observe_only": ("May trade this market", "this market is observe only"),
    "account_ready": ("Account ready", "the account is not ready, {v}"),
    "game_live": ("Game live", "the game is {v}, not live"),
    "clock_trusted": ("Game clock trusted", "the game clock is not trusted, {v} (limit {l})"),
    "segment_allowed": ("Part of the game allowed", "{v} is not an allowed part of the game (allowed: {l})"),
    "time_left": ("Time left", "time left {v} is below {l}"),
    "market_open": ("Market open", "the market is {v}, not open"),
    "book_sound": ("Book sound", "the book was last heard of {v} ago, limit {l}", "the book is not sound, {v}"),
    "spread": ("Spread", "spread {v} is above {l}", "the book is {v}, so it has no spread"),
    "depth": ("Depth", "{v} on offer is below {l}"),
    "stop_distance": ("Room above the stop", "bought now, its mark after fee {v} would be at or below the stop {l}"),
    "game_limit": ("Positions in this game", "{v} of {l} positions in this game are taken"),
    "team_limit": ("Positions on this side", "{v} of {l} positions on this side are taken"),
    "market_free": ("Market free", "something of ours is in this market already ({v})"),
    "cooled_down": ("Cooled down", "the last try was {v} ago, it waits {l}", "it was {v}, it waits {l}"),
    "dipped": ("Dip", "mid {v} is above the trigger {l}"),
    "baseline": ("Pregame price", "pregame price {v} is below {l}", "no usable pregame price, {v}"),
    "confidence": ("Confidence", "confidence {v} is below {l}"),
    "size": ("Size", "size {v} is below the least {l}"),
    "kill_switch": ("Kill switch", "trading is {v}"),
    "game_over": ("Game over", "a sale at {v} is worth more than the settlement at {l}"),
    "partial_fill": ("Part filled", "only {v} of the entry was filled, {l} is kept"),
    "take_profit": ("Take profit", "bid after fee {v} reached the target {l}"),
    "stop_loss": ("Stop loss", "mark after fee {v} fell to the stop {l}"),
    "restricted_segment": ("Part of the game", "{v} is not an allowed part of the game (allowed: {l})"),
    "stale_data": ("Fresh data", "data is {v} old, limit {l}"),
}
_OBSTACLES = {
    "trading_paused": "trading is paused",
    "market_not_open": "the market is not open",
    "order_working": "an order is still working",
    "retry_soon": "the last try was a moment ago",
    "no_bid": "there is no bid to sell to",
    "book_not_fresh": "the book was not heard of since the last try",
    "below_minimum": "it is below the venue's minimum",
}
_FACTORS = {
    "edge": "Edge after fees",
    "drop": "Size of the drop",
    "time_left": "Time left",
    "spread": "Spread",
    "depth": "Depth",
    "stability": "Price stability",
    "feed": "Game feeds agree",
    "recoverable": "Deficit recoverable",
}
_BADGES = {
    Verdict.ENTER: ("Entry", "act"),
    Verdict.EXIT: ("Exit", "act"),
    Verdict.PROPOSE: ("Proposal", "ask"),
    Verdict.BLOCKED: ("No entry", "no"),
    Verdict.HOLD: ("Holding", "hold"),
}


@dataclass(frozen=True, slots=True)
class GateLine:
    """One question with its answer: 'Spread', '1.0¢', 'limit 5.0¢'. Exit rules pass while they do not fire."""

    label: str
    passed: bool
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class FactorLine:
    """One part of the confidence; `share` is its value in percent, `value` '–' where it is not known."""

    label: str
    value: str
    share: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A decision, told."""

    badge: str
    tone: str
    sentence: str
    gates: tuple[GateLine, ...]
    score: str
    factors: tuple[FactorLine, ...]

    @property
    def passed(self) -> int:
        return sum(gate.passed for gate in self.gates)


def tell(
    *, verdict: str, reason: str, detail: Json, price_u: int | None = None, qty_u: int | None = None, note: str = ""
) -> Why:
    """`detail` holds `gates` and `confidence` as the decision kept them."""
    badge, tone = _BADGES[Verdict(verdict)]
    gates, confidence = detail.get("gates") or [], detail.get("confidence")
    return Why(
        badge=badge,
        tone=tone,
        sentence=f"{badge}: {_because(verdict, reason, gates, price_u, qty_u, note)}.",
        gates=tuple(_line(gate) for gate in gates),
        score=figures.ratio_text(confidence["score_u"]) if confidence else "",
        factors=tuple(_factor(one) for one in confidence["factors"]) if confidence else (),
    )


def _because(verdict: str, reason: str, gates: list[Json], price_u: int | None, qty_u: int | None, note: str) -> str:
    terms = f"{figures.quantity_text(qty_u)} at {figures.cents_text(price_u)} or better"
    if verdict == Verdict.ENTER:
        return f"bid for {terms}; {_dip(gates)}"
    if verdict == Verdict.EXIT:
        return f"offered {terms}; {_no(reason, gates)}"
    if verdict == Verdict.PROPOSE:
        return f"would bid for {terms}, and may not act without being asked"
    if verdict == Verdict.HOLD:
        return _holding(reason, gates)
    return _no(reason, gates) + (f" (bound by {words_of(note)})" if note else "")


def _dip(gates: list[Json]) -> str:
    """What made an entry: the dip, and how sure it was."""
    dip, sure = _found("dipped", gates), _found("confidence", gates)
    said = [f"mid {_value(dip)} is at or below the trigger {_limit(dip)}"] if dip else []
    said += [f"confidence {_value(sure)} reaches {_limit(sure)}"] if sure else []
    return " and ".join(said) or "every question was answered yes"


def _holding(reason: str, gates: list[Json]) -> str:
    rule, _, obstacle = reason.partition(":")
    if obstacle:
        return f"{_no(rule, gates)}, but {_OBSTACLES.get(obstacle, words_of(obstacle))}"
    profit, loss = _found("take_profit", gates), _found("stop_loss", gates)
    if profit and loss:
        above = f"bid after fee {_value(profit)} is below the target {_limit(profit)}"
        below = f"mark after fee {_value(loss)} is above the stop {_limit(loss)}"
        return f"{above}, {below}" if profit["value"] else f"nothing is bid now; target {_limit(profit)}"
    return "no exit rule holds"


def _no(reason: str, gates: list[Json]) -> str:
    """The sentence of the question that said no."""
    gate = _found(reason, gates)
    if gate is None or reason not in _GATES:
        return words_of(reason)
    sentence = _GATES[reason][-1 if isinstance(gate["value"], str) else 1]
    return sentence.format(v=_value(gate), l=_limit(gate))


def _found(name: str, gates: list[Json]) -> Json | None:
    return next((gate for gate in gates if gate["name"] == name), None)


def _value(gate: Json) -> str:
    return _written(gate["value"], gate["unit"])


def _limit(gate: Json) -> str:
    return _written(gate["limit"], gate["unit"])


def _written(value: int | str, unit: str) -> str:
    if isinstance(value, str) or unit not in _WRITERS:
        return words_of(str(value))
    return _WRITERS[unit](value)


def _line(gate: Json) -> GateLine:
    label = _GATES.get(gate["name"], (words_of(gate["name"]).capitalize(),))[0]
    return GateLine(label, gate["passed"], _value(gate), _limit(gate))


def _factor(one: Json) -> FactorLine:
    value_u = one["value_u"]
    label = _FACTORS.get(one["name"], words_of(one["name"]))
    return FactorLine(label, figures.ratio_text(value_u), (value_u or 0) // 10_000, one["weight"])


def words_of(code: str) -> str:
    """A code as words: 'market_free' → 'market free'."""
    return code.replace("_", " ")
