"""PT-15 against generated bursts: the same order again within the window is refused, unless its cause is another.

What is expected is reckoned beside it, by a list of what was let through. `make whole` plays ten thousand orders.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import pytest

from core.errors import LimitBreached
from risk.limits import ACCOUNT_DEFAULTS
from risk.models import AccountLimits
from tests.builders import NOON_MS, ONE, a_market, a_user, an_account, an_epoch, an_intent
from trading.models import Order, OrderStatus
from trading.services.claims import order_claim
from venues.types import Outcome

pytestmark = pytest.mark.django_db

WINDOW_MS = ACCOUNT_DEFAULTS["duplicate_window_ms"]
APART_MS = 660_000
"""Bursts are so far apart that no count over ten minutes has a say."""
BURSTS_OF_AN_ACCOUNT = 100


class Terms(NamedTuple):
    price_u: int
    qty_u: int
    outcome: Outcome
    cause: str


def a_burst(dice: random.Random) -> list[tuple[int, Terms]]:
    """Two to six orders with pauses around the window's length, of few different terms."""
    at_ms, burst = 0, []
    for _ in range(dice.randint(2, 6)):
        at_ms += dice.choice((0, 1, 400, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1))
        price_u, qty_u = dice.choice((400_000, 400_000, 410_000)), dice.choice((ONE, ONE, ONE, 2 * ONE))
        terms = Terms(price_u, qty_u, Outcome.YES, dice.choice("aaab"))
        burst.append((at_ms, terms))
    return burst


def is_twin(at_ms: int, terms: Terms, let_through: list[tuple[int, Terms]]) -> bool:
    return any(terms == earlier and at_ms - earlier_ms < WINDOW_MS for earlier_ms, earlier in let_through)


@pytest.mark.parametrize("bursts", [60, pytest.param(2_500, marks=pytest.mark.whole)])
def test_of_every_burst_exactly_the_twins_are_refused(bursts: int):
    dice, market = random.Random(15), a_market()
    refused = orders = 0
    place: dict[str, Any] = {}
    for number in range(bursts):
        if number % BURSTS_OF_AN_ACCOUNT == 0:
            Order.objects.filter(status=OrderStatus.CLAIMED).update(status=OrderStatus.CANCELED)  # to count fewer
            account = an_account(a_user(f"user-{number}@example.org"))
            AccountLimits.objects.filter(venue_account=account).update(
                max_open_orders=1_000, max_messages_per_fill=1_000
            )
            place = {"venue_account": account}
        place["lease_epoch"] = an_epoch(account)  # taken anew: so many bursts outlive a lease
        start_ms, let_through = NOON_MS + number * APART_MS, []
        for at_ms, terms in a_burst(dice):
            orders += 1
            code = claimed(place, market, start_ms + at_ms, terms, strategy=f"s{number}")
            assert code == ("duplicate_order" if is_twin(at_ms, terms, let_through) else ""), (number, at_ms, terms)
            if code:
                refused += 1
            else:
                let_through.append((at_ms, terms))
    assert 0.1 < refused / orders < 0.9, "the bursts are of both kinds"


def claimed(place: dict[str, Any], market: Any, at_ms: int, terms: Terms, *, strategy: str) -> str:
    """The code of the refusal; "" for an order that was let through."""
    intent = an_intent(market, strategy=strategy, created_ms=at_ms, max_cost_u=2_000_000, **terms._asdict())
    try:
        order_claim(**place, intent=intent)
    except LimitBreached as refusal:
        return refusal.code
    return ""
