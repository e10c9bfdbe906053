"""What an idle trader asks each second is one small statement; it says when the orders themselves have to be read."""

from __future__ import annotations

import pytest

from core import clock
from tests.builders import a_claimed_order, a_market, an_account, an_epoch
from trading.engine.catchup import _unknown_orders
from trading.engine.looking_after import _cancels_wanted, _wanted
from trading.models import Order, OrderStatus
from trading.services.fences import fence_close, fence_open

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [OrderStatus.CLAIMED, OrderStatus.OPEN, OrderStatus.FILLED])
@pytest.mark.parametrize("is_sent", [True, False])
@pytest.mark.parametrize("is_cancel_asked", [True, False])
@pytest.mark.parametrize("is_external", [True, False])
def test_the_small_question_is_answered_as_the_orders_themselves_would(status, is_sent, is_cancel_asked, is_external):
    order, now = a_claimed_order(an_account(), a_market()), clock.now()
    Order.objects.filter(pk=order.pk).update(
        status=status,
        sent_at=now if is_sent else None,
        cancel_requested_at=now if is_cancel_asked else None,
        is_external=is_external,
    )
    account_pk = order.venue_account_id
    wanted = _wanted(account_pk, "")
    assert wanted.cancels is bool(_cancels_wanted(account_pk))
    assert wanted.unknown is bool(_unknown_orders(account_pk, frozenset(), now))


def test_another_account_s_orders_are_none_of_its_business():
    order = a_claimed_order(an_account(), a_market())
    Order.objects.filter(pk=order.pk).update(sent_at=clock.now(), cancel_requested_at=clock.now())
    assert _wanted(order.venue_account_id, "") == (True, True, False)
    assert _wanted(order.venue_account_id + 1, "") == (False, False, False)


def test_a_fence_that_somebody_else_shut_is_seen_and_no_other_one():
    account = an_account()
    epoch = an_epoch(account)
    fence_open(venue_account=account, epoch=epoch, token="ours")
    assert not _wanted(account.pk, "ours").fence
    fence_close(venue_account=account, epoch=epoch, token="ours")
    assert _wanted(account.pk, "ours").fence
    assert not _wanted(account.pk, "newer").fence
