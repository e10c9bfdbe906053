"""What is odd and stops nothing by itself: its owner is told, once for each kind of it.

Story: a venue redirects an order, refuses it with words that nobody knows, charges another fee than its own schedule
says, or lives in another second than we do. The order stays unknown, the fill is booked as told, trading goes on; a
person should look before it becomes more.
"""

from __future__ import annotations

import msgspec

from accounts.models import VenueAccount
from core import clock
from core.money import plain_text
from markets.models import Market
from trading.models import Fill
from trading.services.records import alert_owner
from venues.errors import VenueError
from venues.types import FeeSchedule

NO_SCHEDULE = FeeSchedule()
ROUNDINGS = 2
"""Quanta of its schedule by which a venue's own rounding may move the fee of one fill."""


def clock_skew_tell(*, venue_account: VenueAccount, skew_ms: int) -> None:
    """Once an hour."""
    alert_owner(
        venue_account,
        code="clock_skew",
        title="Our clock and the venue's differ",
        subject=venue_account,
        key=f"{venue_account.uid}:{clock.now():%Y-%m-%dT%H}",
        body=f"{venue_account}: by {skew_ms} ms. Beyond five seconds the account pauses. Set this machine's clock.",
    )


def answer_tell(*, venue_account: VenueAccount, error: VenueError) -> None:
    """An order or a cancel was redirected, or refused with a code that is on no list. Once a day for each answer."""
    alert_owner(
        venue_account,
        code="odd_answer",
        title="The venue gave an answer that proves nothing",
        subject=venue_account,
        key=f"{venue_account.uid}:{error.status}:{error.code}:{clock.now():%Y-%m-%d}",
        body=f"HTTP {error.status}, {error.code}: {error.message[:200]} What was asked for is looked for at the venue.",
    )


def fee_compare(fill: Fill) -> None:
    """Tell of a fee that is not what the market's schedule says, beyond rounding; once for each market. The fill keeps
    the fee that the venue told. A market without a schedule, or with terms that cannot be read any more, says nothing:
    a fill is booked whatever becomes of this."""
    fees = _schedule_of(fill.market)
    if fees == NO_SCHEDULE:
        return
    expected_u = fees.fee_u(price_u=fill.price_u, qty_u=fill.qty_u, is_taker=fill.is_taker)
    if abs(fill.fee_u - expected_u) <= ROUNDINGS * fees.quantum_u:
        return
    alert_owner(
        fill.venue_account,
        code="fee_differs",
        title="A fee is not what the market's schedule says",
        subject=fill,
        key=f"{fill.venue_account.uid}:{fill.market.market_id}",
        body=f"{fill.market.market_id}: {plain_text(fill.fee_u)} USD were charged, {plain_text(expected_u)} expected.",
    )


def _schedule_of(market: Market) -> FeeSchedule:
    try:
        return market.venue_market.fees
    except msgspec.ValidationError:
        return NO_SCHEDULE
