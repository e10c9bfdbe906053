"""How much to stake on one entry: Kelly or a fixed size, then every cap, then down to what can be traded.

Kelly for a contract that pays 1, bought at p with fee f and win probability q: full = (q − c) / (1 − c), c = p + f
(J. L. Kelly, "A New Interpretation of Information Rate", 1956). q is the model's fair value shrunk toward the price:
the price counts as `kelly_prior_trades` observations, the model as `kelly_model_trades` plus the user's own settled
trades, so that a short record stakes little.

Invariants: money is integer µUSD; the cost, fee included, never exceeds any cap; every step only lowers the stake;
below the venue's minimum the answer is 0, a cap is never rounded up to reach it.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from trading.domain.commands import SizeStep, Sizing
from trading.domain.config import AccountCaps, DipSettings
from venues.types import MICRO, FeeSchedule


class SizingInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the entry looks like and what is already at stake. `price_u` is the limit price, the worst we would pay."""

    price_u: int
    fees: FeeSchedule
    fair_u: int | None
    balance_u: int
    available_u: int
    depth_qty_u: int
    market_used_u: int = 0
    game_used_u: int = 0
    league_used_u: int = 0
    total_used_u: int = 0
    lot_u: int = 10_000
    min_qty_u: int = 10_000
    min_usd_u: int = 0
    losing_streak: int = 0
    settled_trades: int = 0


def size_entry(settings: DipSettings, caps: AccountCaps, inputs: SizingInputs) -> Sizing:
    """The quantity to buy at `inputs.price_u` or better; 0 with the binding step when it is not worth an order."""
    steps: list[SizeStep] = []
    stake_u = _first_stake(settings, caps, inputs)
    steps.append(SizeStep("kelly" if settings.use_kelly_sizing else "default_size", stake_u, stake_u))
    for name, limit_u in _caps(settings, caps, inputs):
        stake_u = min(stake_u, max(limit_u, 0))
        steps.append(SizeStep(name, max(limit_u, 0), stake_u))
    factor_u = streak_factor_u(settings, inputs.losing_streak)
    stake_u = stake_u * factor_u // MICRO
    steps.append(SizeStep("losing_streak", stake_u, stake_u))
    qty_u = quantity_for(stake_u, inputs)
    binding = _binding(steps)
    if qty_u == 0 or qty_u < inputs.min_qty_u or qty_u * inputs.price_u // MICRO < inputs.min_usd_u:
        return Sizing(0, inputs.price_u, 0, "below_minimum" if stake_u else binding, tuple(steps))
    return Sizing(qty_u, inputs.price_u, cost_u(qty_u, inputs), binding, tuple(steps))


def kelly_stake_u(settings: DipSettings, caps: AccountCaps, inputs: SizingInputs) -> int:
    """Fractional Kelly of the balance, µUSD, floored; 0 without a fair value or without an edge."""
    if inputs.fair_u is None:
        return 0
    cost = inputs.price_u + fee_per_contract_u(inputs)
    edge_u = shrunk_fair_u(caps, inputs) - cost
    if edge_u <= 0 or cost >= MICRO:
        return 0
    return settings.kelly_fraction_u * edge_u * max(inputs.balance_u, 0) // (MICRO * (MICRO - cost))


def shrunk_fair_u(caps: AccountCaps, inputs: SizingInputs) -> int:
    """The fair value pulled toward the price, floored between the two."""
    assert inputs.fair_u is not None
    ours = caps.kelly_model_trades + inputs.settled_trades
    total = ours + caps.kelly_prior_trades
    return (caps.kelly_prior_trades * inputs.price_u + ours * inputs.fair_u) // total if total else inputs.price_u


def streak_factor_u(settings: DipSettings, losing_streak: int) -> int:
    """Millionths of the stake kept after this many losses in a row: each takes a step off, down to the floor."""
    return max(min(settings.streak_floor_u, MICRO), MICRO - settings.streak_step_u * losing_streak)


def cost_u(qty_u: int, inputs: SizingInputs) -> int:
    """Most that `qty_u` can cost with its taker fee, µUSD, rounded up."""
    return -(-qty_u * inputs.price_u // MICRO) + inputs.fees.fee_u(price_u=inputs.price_u, qty_u=qty_u)


def fee_per_contract_u(inputs: SizingInputs) -> int:
    """Taker fee of one contract within a large order, rounded up to the µUSD but not to the venue's quantum."""
    return -(-inputs.fees.fee_u(price_u=inputs.price_u, qty_u=10_000 * MICRO) // 10_000)


def quantity_for(stake_u: int, inputs: SizingInputs) -> int:
    """Whole lots within both the stake (fee and its rounding included) and the depth."""
    spendable_u = max(stake_u - inputs.fees.quantum_u, 0)
    affordable_u = spendable_u * MICRO // (inputs.price_u + fee_per_contract_u(inputs))
    lots = min(affordable_u, inputs.depth_qty_u) // inputs.lot_u
    while lots > 0 and cost_u(lots * inputs.lot_u, inputs) > stake_u:
        lots -= 1
    return max(lots, 0) * inputs.lot_u


def _first_stake(settings: DipSettings, caps: AccountCaps, inputs: SizingInputs) -> int:
    if not settings.use_kelly_sizing:
        return settings.default_position_usd_u
    return kelly_stake_u(settings, caps, inputs)


def _caps(settings: DipSettings, caps: AccountCaps, inputs: SizingInputs) -> tuple[tuple[str, int], ...]:
    return (
        ("twice_default_size", 2 * settings.default_position_usd_u),
        ("max_position", caps.max_position_usd_u - inputs.market_used_u),
        ("balance_share", inputs.balance_u * caps.max_balance_share_u // MICRO),
        ("cash", inputs.available_u),
        ("game_room", caps.max_game_usd_u - inputs.game_used_u),
        ("league_room", caps.max_league_usd_u - inputs.league_used_u),
        ("total_room", caps.max_total_usd_u - inputs.total_used_u),
        ("depth", cost_u(inputs.depth_qty_u, inputs)),
    )


def _binding(steps: list[SizeStep]) -> str:
    """The last step that lowered the stake, else the first."""
    binding = steps[0].name
    for before, step in pairwise(steps):
        if step.after_usd_u < before.after_usd_u:
            binding = step.name
    return binding
