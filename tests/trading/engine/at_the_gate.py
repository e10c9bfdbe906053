"""A session in its own time with the pre-trade checks at its gate: an order that passes, and what to do to it."""

from __future__ import annotations

from itertools import count
from typing import Any

from risk.checks import Verdict
from risk.limits import ACCOUNT_DEFAULTS, Level, strictest
from tests.trading.domain.scene import ACCOUNT, GAME, MARKET, Scene, book, game
from trading.domain.commands import Purpose, SubmitOrder
from trading.engine.pretrade import PreTrade
from trading.engine.vitals import Vitals
from venues.types import MICRO, Outcome, Side, TimeInForce

USD = MICRO


class Gate:
    """`judge()` is asked about an order of ten YES at the best ask; words change the order."""

    pace = 1.0

    def __init__(self, **limits: int) -> None:
        self.scene = Scene()
        self.scene.set_up(bid=49, ask=51)
        self.scene.play(game(), book(49, 50))
        self.scene.wait(20)
        self.scene.play(game())
        self.vitals = Vitals()
        self.silent_ms = 0
        self.checks = PreTrade(self.scene.session, self, self.vitals, lambda _: self.silent_ms)
        self.checks.limits = {(ACCOUNT, ""): strictest([(Level.ACCOUNT, {**ACCOUNT_DEFAULTS, **limits})])}
        self._numbers = count(1)

    def now_us(self) -> int:
        return self.scene.now_us

    def now_ms(self) -> int:
        return self.scene.now_us // 1_000

    def order(self, **changes: Any) -> SubmitOrder:
        values: dict[str, Any] = {
            "decision_id": f"d-{next(self._numbers)}", "strategy": "dip_reversion", "purpose": Purpose.ENTRY,
            "account": ACCOUNT, "market_id": MARKET, "game_id": GAME, "side": Side.BUY, "outcome": Outcome.YES,
            "price_u": 500_000, "qty_u": 10 * MICRO, "time_in_force": TimeInForce.IOC, "created_ms": self.now_ms(),
            "expires_ms": None, "reduce_only": False, "max_cost_u": 5 * USD, "reason": "dip",
        }  # fmt: skip
        return SubmitOrder(**{**values, **changes})

    def judge(self, **changes: Any) -> Verdict | None:
        return self.checks.judge(self.order(**changes))

    def code(self, **changes: Any) -> str:
        """Of the check that says no; "" when all say yes."""
        verdict = self.judge(**changes)
        return verdict.breach.code if verdict is not None else ""
