"""What differs between the two venues' engines, as one value each.

Sources: ../shared/venues/kalshi/FACTS.md §3 and §9, ../shared/venues/polymarket/FACTS.md §2, §8 and §11. Where the
facts leave a question open, the rule is a switch here and the default is what was last captured.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class FeeStyle(StrEnum):
    """KALSHI: six decimals up, then aligned to the member's precision with a per-order accumulator, makers too.
    POLYMARKET: takers only, five decimals, less than one of them is nothing."""

    KALSHI = "kalshi"
    POLYMARKET = "polymarket"


class ClientIdRule(StrEnum):
    FOREVER = "forever"
    OPEN_ONLY = "open_only"
    FREE = "free"


class PostOnlyRule(StrEnum):
    """What becomes of a post-only order that would trade: refused, or accepted and canceled at once."""

    REJECT = "reject"
    CANCEL = "cancel"


class VenueRules(msgspec.Struct, frozen=True, kw_only=True):
    """`nets`: one signed position and collateral held up front; else two token balances and no naked sale."""

    nets: bool
    fee_style: FeeStyle
    cash_step_u: int = 1
    client_ids: ClientIdRule = ClientIdRule.FOREVER
    post_only_cross: PostOnlyRule = PostOnlyRule.REJECT
    reduce_only_needs_ioc: bool = True
    past_expiry_is_ioc: bool = True
    ioc_needs_match: bool = False
    reactivation_wipes_book: bool = True
    close_cancel_delay_ms: int = 1_000
    start_clear_delay_ms: int = 0
    group_window_ms: int = 15_000
    mined_after_ms: int = 0
    confirmed_after_ms: int = 0
    taker_delay_ms: int | None = None
    """Holds every marketable order back for so long, whatever its market says; None leaves it to the market."""

    shaved_u: int = 0
    """An immediate match of a whole order is smaller by so many contracts, and the order counts as filled all the same:
    the dust of venues that work out a quantity from two amounts."""

    @property
    def fills_settle_later(self) -> bool:
        return self.confirmed_after_ms > 0


KALSHI_RULES = VenueRules(nets=True, fee_style=FeeStyle.KALSHI, cash_step_u=100)

POLYMARKET_RULES = VenueRules(
    nets=False,
    fee_style=FeeStyle.POLYMARKET,
    client_ids=ClientIdRule.FREE,  # the order id itself, the hash of what was signed, is unique for ever
    reduce_only_needs_ioc=False,
    past_expiry_is_ioc=False,
    ioc_needs_match=True,
    reactivation_wipes_book=False,
    close_cancel_delay_ms=0,
    start_clear_delay_ms=300,
    mined_after_ms=2_000,
    confirmed_after_ms=5_000,
)
