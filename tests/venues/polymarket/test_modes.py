"""A restart of the exchange, as senders live through it: few probes, back soon, and post-only orders in between."""

from __future__ import annotations

import pytest

from venues.errors import NotSent
from venues.polymarket.modes import ModeGate
from venues.polymarket.rejects import ModeRefused, VenueMode

RESTART_S, POST_ONLY_S, EVERY_S = 90.0, 120.0, 0.1
STATUS = {VenueMode.RESTARTING: 425, VenueMode.POST_ONLY: 503, VenueMode.CANCEL_ONLY: 503}


class Exchange:
    """What the venue does with an order, and the orders that reached it."""

    def __init__(self, *, restart_s: float = RESTART_S, names_times: bool = False) -> None:
        self.now = 0.0
        self.reached: list[float] = []
        self.gate = ModeGate(clock=lambda: self.now)
        self._restart_s, self._names_times = restart_s, names_times

    def mode(self) -> VenueMode:
        if self.now < self._restart_s:
            return VenueMode.RESTARTING
        return VenueMode.POST_ONLY if self.now < self._restart_s + POST_ONLY_S else VenueMode.NORMAL

    def order(self, *, is_post_only: bool = False) -> bool:
        """One try; True when the venue took it."""
        try:
            self.gate.check(is_post_only=is_post_only)
        except NotSent as refusal:
            assert refusal.code in set(VenueMode)
            return False
        self.reached.append(self.now)
        mode = self.mode()
        if mode is VenueMode.NORMAL or (mode is VenueMode.POST_ONLY and is_post_only):
            self.gate.note_taken(is_post_only=is_post_only)
            return True
        left_s = self._restart_s + (POST_ONLY_S if mode is VenueMode.POST_ONLY else 0.0) - self.now
        self.gate.note(ModeRefused(mode, retry_after_s=left_s if self._names_times else None, status=STATUS[mode]))
        return False


def lived_through(exchange: Exchange) -> float:
    """Five senders that try all the time; when the first of their orders was taken."""
    while not any(exchange.order() for _ in range(5)):
        exchange.now += EVERY_S
    return exchange.now


@pytest.mark.parametrize("restart_s", [60.0, 90.0, 100.0, 120.0])
@pytest.mark.parametrize("names_times", [True, False])
def test_a_restart_costs_at_most_twenty_probes_and_ten_seconds(restart_s: float, names_times: bool):
    exchange = Exchange(restart_s=restart_s, names_times=names_times)
    taken_at = lived_through(exchange)
    assert len(exchange.reached) <= 20
    assert taken_at - (restart_s + POST_ONLY_S) <= 10.0 + EVERY_S


def test_post_only_orders_are_taken_meanwhile_and_open_nothing_for_others():
    exchange = Exchange(restart_s=0.0)
    assert not exchange.order()
    assert exchange.order(is_post_only=True)
    assert not exchange.order()
    assert len(exchange.reached) == 2


def test_one_probe_is_under_way_at_a_time():
    exchange = Exchange()
    exchange.order()
    exchange.now = 16.0
    exchange.gate.check(is_post_only=False)
    with pytest.raises(NotSent):
        exchange.gate.check(is_post_only=False)
