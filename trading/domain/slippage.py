"""What an execution cost beyond the price the decision was taken on.

Sign: positive is worse for us (paid more, or got less), negative is better. The price decided on is the one that could
be had at that moment, the ask for a purchase and the bid for a sale: the limit is further away and measures nothing.
"""

from __future__ import annotations

from venues.types import MICRO, Side


def slippage_u(*, side: Side, decided_u: int, price_u: int, qty_u: int) -> int:
    """µUSD of one fill, without fees; both prices are of the outcome the order names. Rounded up, against us."""
    worse_u = price_u - decided_u if side is Side.BUY else decided_u - price_u
    return -(-worse_u * qty_u // MICRO)


def slippage_ratio_u(*, slippage_u: int, decided_u: int, qty_u: int) -> int:
    """Slippage as a share of what was decided on, in millionths (20_000 is 2 %), rounded up; 0 without an amount."""
    decided_usd = decided_u * qty_u
    return -(-slippage_u * MICRO * MICRO // decided_usd) if decided_usd else 0


def keeps_partial(*, filled_u: int, asked_u: int, keep_u: int) -> bool:
    """Is enough of an entry filled to keep it? `keep_u` is the least share, in millionths; exactly that is enough."""
    return filled_u * MICRO >= keep_u * asked_u
