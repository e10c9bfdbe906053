"""The states of the matching engine that a real Polymarket goes through: restarting, then post-only, then normal.

While it restarts every order endpoint answers 425, cancels too; afterwards only post-only orders are taken for a while.
Both are states with an end, on real time, as they protect a server. Source: polymarket/FACTS §2.11.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from venues.simulator.polymarket_errors import ClobError

RESTART_S = 90.0
POST_ONLY_S = 120.0
POST_ONLY = "post-only mode: only post-only orders and cancels are allowed"
RESTARTING = "the matching engine is restarting"
_CREATES = ("create", "create_batch")
_CANCELS = ("cancel", "cancel_batch", "cancel_all", "cancel_market")


class _Terms(msgspec.Struct, rename="camel"):
    post_only: bool = False


class EngineModes:
    """`check` before an order operation; `restart` begins the two states, `end` ends them."""

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._restarted_s = 0.0
        self._normal_s = 0.0

    @property
    def name(self) -> str:
        now_s = self._wall_s()
        if now_s < self._restarted_s:
            return "restart"
        return "post_only" if now_s < self._normal_s else "normal"

    def restart(self, *, restart_s: float = RESTART_S, post_only_s: float = POST_ONLY_S) -> None:
        self._restarted_s = self._wall_s() + restart_s
        self._normal_s = self._restarted_s + post_only_s

    def end(self) -> None:
        self._restarted_s = self._normal_s = 0.0

    def check(self, op: str, body: bytes) -> None:
        """Raises ClobError for what is not taken in this state."""
        if op not in _CREATES and op not in _CANCELS:
            return
        mode = self.name
        if mode == "restart":
            raise ClobError(425, RESTARTING)
        if mode == "post_only" and op in _CREATES and not _are_post_only(body):
            wait_s = max(1, math.ceil(self._normal_s - self._wall_s()))
            refusal = {"error": POST_ONLY, "code": "post_only_mode", "retry_after_seconds": wait_s}
            raise ClobError(503, POST_ONLY, body=refusal, headers={"Retry-After": str(wait_s)})


def _are_post_only(body: bytes) -> bool:
    try:
        terms = msgspec.json.decode(body, type=_Terms | list[_Terms])
    except msgspec.MsgspecError:
        return False
    return all(each.post_only for each in (terms if isinstance(terms, list) else [terms]))
