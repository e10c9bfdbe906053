"""Who arms again after a trigger is not stopped by the same losses at the next look, and is by new ones."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from accounts.models import Mode, VenueAccount
from core import clock
from core.clock import from_ms
from markets.models import Market
from risk.models import HaltState, TradingHalt
from risk.services import halt_resume
from tests.builders import NOON_MS, ONE, USD, a_claimed_order, a_fill, a_market, an_account
from tests.trading.test_api import a_decision
from trading.models import Order, OrderStatus
from trading.services.decisions import decisions_record
from trading.services.fills import fill_book
from trading.services.triggers import UNWOUND, triggers_check
from venues.types import Side

pytestmark = pytest.mark.django_db
NOON = from_ms(NOON_MS + 60_000)
OP = "op@example.org"


@pytest.fixture
def market() -> Market:
    return a_market()


@pytest.fixture
def account() -> VenueAccount:
    account = an_account(cash_u=100 * USD)
    VenueAccount.objects.update(mode=Mode.PAPER)
    account.refresh_from_db()
    assert looked(account) == set(), "the peak is noted before anything is lost"
    return account


def looked(account: VenueAccount) -> set[str]:
    return {trip.code for trip in triggers_check(venue_account=account, at=NOON)}


def lose(account: VenueAccount, market: Market, *, times: int = 1, qty_u: int = ONE, venue_ms: int = NOON_MS) -> None:
    for number in range(times):
        terms = {"qty_u": qty_u, "fee_u": 0, "venue_ms": venue_ms + number}
        fill_book(venue_account=account, report=a_fill(account, market, **terms))
        fill_book(venue_account=account, report=a_fill(account, market, side=Side.SELL, price_u=1_000, **terms))


def lose_much(account: VenueAccount, market: Market) -> None:
    lose(account, market, qty_u=65 * ONE)


def slip(account: VenueAccount, market: Market) -> None:
    for _ in range(3):
        order = a_claimed_order(account, market, price_u=500_000, max_cost_u=6 * USD)
        fill_book(venue_account=account, report=a_fill(account, market, order=order, price_u=500_000, qty_u=ONE))
        seen = msgspec.structs.replace(a_decision(market.market_id), decision_id=order.decision_id, ask_u=400_000)
        decisions_record(user=account.user, batch=[seen])


def unwind(account: VenueAccount, market: Market, *, times: int = 3) -> None:
    for _ in range(times):
        price_u = 400_000 + 10_000 * Order.objects.count()
        order = a_claimed_order(account, market, cause=UNWOUND, price_u=price_u)
        Order.objects.filter(pk=order.pk).update(sent_at=NOON, claimed_at=NOON, status=OrderStatus.CANCELED)


def arm(actor: str = OP) -> None:
    for halt in TradingHalt.objects.exclude(state=HaltState.ACTIVE):
        halt_resume(halt=halt, reason="I looked", actor=actor)


@pytest.mark.parametrize(
    ("spoil", "codes"),
    [(lose_much, {"max_drawdown", "balance_drop"}), (slip, {"slippage_spike"}), (unwind, {"unwind_streak"})],
)
def test_the_same_losses_do_not_trip_again_after_a_person_looked_and_new_ones_do(
    account: VenueAccount, market: Market, spoil: Callable[[VenueAccount, Market], None], codes: set[str]
):
    spoil(account, market)
    assert looked(account) == codes
    arm()
    assert looked(account) == set()
    spoil(account, market)
    assert looked(account) == codes


def test_two_broken_entries_after_the_lifting_are_no_streak(account: VenueAccount, market: Market):
    unwind(account, market)
    assert looked(account) == {"unwind_streak"}
    arm()
    unwind(account, market, times=2)
    assert looked(account) == set()


def test_after_losses_in_a_row_a_person_lets_the_count_begin_anew(account: VenueAccount, market: Market):
    lose(account, market, times=4)
    assert looked(account) == {"consecutive_losses"}
    arm()
    assert looked(account) == set()
    lose(account, market, times=3, venue_ms=clock.now_us() // 1_000 + 1_000)
    assert looked(account) == set()
    lose(account, market, venue_ms=clock.now_us() // 1_000 + 2_000)
    assert looked(account) == {"consecutive_losses"}


def test_what_a_machine_lifts_nobody_has_looked_at(account: VenueAccount, market: Market):
    lose_much(account, market)
    looked(account)
    arm("trigger")
    assert looked(account) == {"max_drawdown", "balance_drop"}
