"""What the session asks of its shell: submit, cancel, alert, and a record of every decision with its numbers.

Invariant: commands are plain frozen values; encoded with msgspec they are byte-equal for equal input, which is what
the running digest of a session proves. Units as in `venues.types`; ratios and scores in millionths.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from venues.types import Outcome, Side, TimeInForce


class Purpose(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"


class Verdict(StrEnum):
    """ENTER and EXIT act; PROPOSE would have entered but may not act unasked; BLOCKED: a gate said no; HOLD: a
    position is kept."""

    ENTER = "enter"
    EXIT = "exit"
    PROPOSE = "propose"
    BLOCKED = "blocked"
    HOLD = "hold"


class Unit(StrEnum):
    PRICE_U = "price_u"
    USD_U = "usd_u"
    RATIO_U = "ratio_u"
    QTY_U = "qty_u"
    SECONDS = "s"
    COUNT = "count"
    TEXT = "text"


class AlertLevel(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class GateResult(msgspec.Struct, frozen=True):
    """One question a decision asked, with the number it saw and the limit it held it against."""

    name: str
    passed: bool
    value: int | str
    limit: int | str
    unit: Unit


class Factor(msgspec.Struct, frozen=True):
    """One part of the confidence score; `value_u` None: not known, which counts as zero."""

    name: str
    value_u: int | None
    weight: int


class Confidence(msgspec.Struct, frozen=True):
    score_u: int
    factors: tuple[Factor, ...]


class SizeStep(msgspec.Struct, frozen=True):
    """One cap or step of the sizing: `after_usd_u` is the stake once it was applied."""

    name: str
    limit_usd_u: int
    after_usd_u: int


class Sizing(msgspec.Struct, frozen=True):
    """`qty_u` at `limit_price_u` costs at most `cost_usd_u`, fee included; 0: do not trade, `binding` says why."""

    qty_u: int
    limit_price_u: int
    cost_usd_u: int
    binding: str
    steps: tuple[SizeStep, ...]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Pregame mid of YES, doubled so that half ticks stay exact. `strength_u`: the home side's pregame chance implied
    by it. `is_late`: captured when the game was already on."""

    market_id: str
    mid_u2: int
    is_late: bool
    strength_u: int | None


class SubmitOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Place this once. `price_u` is the limit of `outcome`, `decided_u` what could be had at the decision (0: nothing);
    `max_cost_u` the most it can cost with its fee (0 for exits). What cannot be immediate rests until the session asks
    to cancel it."""

    decision_id: str
    strategy: str
    purpose: Purpose
    account: str
    market_id: str
    game_id: str
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    time_in_force: TimeInForce
    created_ms: int
    expires_ms: int | None
    reduce_only: bool
    max_cost_u: int
    reason: str
    decided_u: int = 0


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    decision_id: str
    market_id: str
    reason: str


class RaiseAlert(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Tell the user. Equal `dedupe_key`s are one alert."""

    level: AlertLevel
    code: str
    title: str
    body: str
    subject_type: str
    subject_id: str
    dedupe_key: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Why the trader did, or did not, act on one outcome of one market, with every number it looked at.

    `reason` is the blocking gate, the exit rule, or the strategy's name for an entry. `gates` are in order and end
    with the first that failed. Prices are of `outcome`.
    """

    decision_id: str
    at_us: int
    strategy: str
    account: str
    market_id: str
    game_id: str
    outcome: Outcome
    verdict: Verdict
    reason: str
    bid_u: int | None
    ask_u: int | None
    mid_u: int | None
    baseline_u: int | None
    baseline_is_late: bool
    fair_u: int | None
    gates: tuple[GateResult, ...]
    confidence: Confidence | None = None
    sizing: Sizing | None = None
    price_u: int | None = None
    qty_u: int | None = None
    note: str = ""


class StoreBaseline(msgspec.Struct, frozen=True, tag=True):
    """The game has begun: keep the market's baseline, a restart cannot see it again."""

    baseline: Baseline


Command = SubmitOrder | CancelOrder | RaiseAlert | StoreBaseline | Decision
