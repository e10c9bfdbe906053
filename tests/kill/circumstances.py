"""What must be going on for a process to pass a kill point: a fault at the venue, a person's deed, a faster clock.

Most points lie on every order's way and need nothing. Each circumstance is brought about when the trader trades, and
undone after its death, as trouble passes in life.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.kill_points import KILL_POINTS
from venues.types import Venue

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Circumstance:
    """`faults` and `modes` as the control port takes them, `speed` of the venues' time. `first`: the point at which
    the process before must have died; `denies`: the account's limits allow no order; `order_of_a_person`: somebody
    trades at the venue's own page; `silences_guard`: the guard is stopped for moments."""

    faults: tuple[Body, ...] = ()
    modes: tuple[Body, ...] = ()
    speed: float | None = None
    first: str = ""
    denies: bool = False
    order_of_a_person: bool = False
    silences_guard: bool = False
    within_s: float = 30.0


def _struck(fault: str, *, op: str = "create", **more: Any) -> tuple[Body, ...]:
    return tuple({"match": {"venue": venue.value, "op": op, "every": 2}, "fault": fault, **more} for venue in Venue)


NOTHING = Circumstance()
LOST = Circumstance(faults=_struck("swallow"), within_s=60.0)
UNANSWERED = Circumstance(faults=_struck("accept_then_drop"))
REFUSED = Circumstance(faults=_struck("refusal"))
NO_PERMIT = Circumstance(silences_guard=True)
TAKEN_BACK = Circumstance(modes=({"venue": "polymarket", "fates": ["failed"] * 40},), within_s=45.0)
GAMES_END = Circumstance(speed=900.0, within_s=60.0)
RESTARTING = Circumstance(modes=({"venue": "polymarket", "mode": "restart", "restart_s": 30, "post_only_s": 0},))
RESTING = ({"venue": "polymarket", "taker_delay_ms": 600_000},)
"""What would be matched at once waits for ten minutes of the venue's time: longer than the trader lets it rest."""
CANCELED = Circumstance(modes=RESTING, within_s=60.0)
CANCELS_LOST = Circumstance(modes=RESTING, faults=_struck("drop_before", op="cancel"), within_s=60.0)

CIRCUMSTANCES: Mapping[str, Circumstance] = {
    "P2.denied_before_commit": Circumstance(denies=True),
    "P3.gate_refused": NO_PERMIT,
    "P6.refused_unsent": RESTARTING,
    "P6.rejected": REFUSED,
    "P6.unanswered": UNANSWERED,
    "P7.rejected_before_commit": REFUSED,
    "P7.unknown_before_commit": UNANSWERED,
    "P7.unsent_before_commit": NO_PERMIT,
    "P8.external_adopted": Circumstance(order_of_a_person=True),
    **dict.fromkeys((name for name in KILL_POINTS if name.startswith("P9.void")), TAKEN_BACK),
    **dict.fromkeys((name for name in KILL_POINTS if name.startswith("P10.")), CANCELED),
    "P11.answered": CANCELED,
    "P11.unanswered": CANCELS_LOST,
    "P12.proven": LOST,
    "P12.never_prepared": Circumstance(first="P2.after_commit"),
    **dict.fromkeys((name for name in KILL_POINTS if name.startswith("P13.")), GAMES_END),
}


def of(point: str) -> Circumstance:
    return CIRCUMSTANCES.get(point, NOTHING)
