"""Data API objects: positions (v1 and v2), trades, activity, resolutions. Public by wallet, cached: no fill source.

v1 is camelCase in bare arrays, v2 snake_case in `{"data", "pagination"}`. Amounts are JSON numbers and keep their
digits as `Decimal`. Source: FACTS §5.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from venues.errors import ProtocolError
from venues.types import MICRO
from venues.wire import Wire, fields


class PositionV1(Wire, rename="camel", kw_only=True):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "proxyWallet avgPrice initialValue currentValue cashPnl percentPnl totalBought realizedPnl percentRealizedPnl "
        "mergeable title slug icon eventSlug eventId outcome oppositeOutcome oppositeAsset endDate negativeRisk"
    )
    asset: str
    condition_id: str
    size: Decimal
    outcome_index: int
    cur_price: Decimal = Decimal(0)
    redeemable: bool = False


class PositionV2(Wire, kw_only=True):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "proxy_wallet avg_price entry_cost_usdc entry_fees_usdc total_cost_usdc current_value total_size realized_pnl "
        "unrealized_pnl total_pnl percent_pnl mergeable negative_risk archived title slug event_slug outcome "
        "opposite_outcome opposite_token_id end_date last_event_at first_entry_at"
    )
    token_id: str
    condition_id: str
    current_size: Decimal
    outcome_index: int
    current_price: Decimal = Decimal(0)
    status: str = ""
    redeemable: bool = False


class TradeV1(Wire, rename="camel", kw_only=True):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "proxyWallet title slug icon eventSlug outcome name pseudonym bio profileImage profileImageOptimized"
    )
    asset: str
    condition_id: str
    side: str
    size: Decimal
    price: Decimal
    timestamp: int
    transaction_hash: str = ""
    outcome_index: int | None = None


class TradeV2(Wire, kw_only=True):
    UNUSED: ClassVar[frozenset[str]] = fields("proxy_wallet title slug event_slug outcome")
    token_id: str
    condition_id: str
    side: str
    size: Decimal
    price: Decimal
    timestamp: int
    transaction_hash: str = ""
    outcome_index: int | None = None


class ActivityV2(Wire, kw_only=True):
    """TRADE, SPLIT, MERGE, REDEEM (price 0, the payout in `usdc_size`), rewards, deposits …"""

    UNUSED: ClassVar[frozenset[str]] = fields("proxy_wallet title slug event_slug outcome price side icon name")
    type: str
    timestamp: int
    condition_id: str = ""
    token_id: str = ""
    size: Decimal = Decimal(0)
    usdc_size: Decimal = Decimal(0)
    outcome_index: int | None = None
    transaction_hash: str = ""


class Resolution(Wire, kw_only=True):
    """How a condition resolved; several fields may be missing. `payouts` are what one contract of each outcome pays,
    in millionths of a dollar: the venue's own SDK divides them by 1,000,000 (Polymarket/py-sdk 0.14.0)."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "question_id was_disputed proposed_price price expected_settlement_time settlement_time_basis transaction_hash "
        "extended_review new_version_q last_update_timestamp"
    )
    condition_id: str
    status: str = ""
    payouts: list[Decimal] | None = None
    resolved_at: str | int | None = None

    @property
    def value_u(self) -> int | None:
        """What one YES contract pays, in µUSD; None while the condition has not resolved. Raises ProtocolError."""
        if self.payouts is None or len(self.payouts) != 2:
            return None
        value_u = int(self.payouts[0])
        if value_u != self.payouts[0] or not 0 <= value_u <= MICRO:
            raise ProtocolError(f"a contract cannot pay {self.payouts[0]} millionths", code="bad_number")
        return value_u


class Pagination(Wire):
    has_more: bool = False
    next_cursor: str | None = None


class PositionsPage(Wire):
    data: list[PositionV2]
    pagination: Pagination = msgspec.field(default_factory=Pagination)


class TradesPageV2(Wire):
    data: list[TradeV2]
    pagination: Pagination = msgspec.field(default_factory=Pagination)


class ActivityPage(Wire):
    data: list[ActivityV2]
    pagination: Pagination = msgspec.field(default_factory=Pagination)


class ResolutionsPage(Wire):
    data: list[Resolution]
    pagination: Pagination = msgspec.field(default_factory=Pagination)
