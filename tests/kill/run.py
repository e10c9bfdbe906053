"""One run, in a process of its own: `python -m tests.kill.run` reads a plan from its input and tells a `Result`.

Story: the deployment starts, trades, dies at the first point of the plan, starts again armed with the next one; at the
end it starts once more without any, is halted as by an operator, and must come to books that are the venues' own.
Invariant: nothing here helps the trader: whatever it needs to know after a death, it finds out by itself.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import django
import httpx
import msgspec

from tests.books import Key
from tests.kill.circumstances import Circumstance, of
from tests.kill.deployment import Deployment, Process, until, wait_for
from tests.kill.host import Host
from tests.kill.plan import ANYWHERE, Death, RunPlan
from tests.kill.result import Result

SPEED = 60.0
BACK_WITHIN_S = 60.0
AT_REST_WITHIN_S = 90.0
COMPARE_EVERY_S = 0.25
"""Both books are read whole each time: what is read more often holds up what is waited for."""
LEASE_OVER_S = 17.0
SILENT_FOR_S = 0.6
NORMAL = {"venue": "polymarket", "mode": "normal", "fates": []}


class Orders(msgspec.Struct, frozen=True):
    """What the child is asked to do."""

    plan: RunPlan
    folder: str
    environment: dict[str, str]


class Run:
    """`play` once."""

    def __init__(self, plan: RunPlan, deployment: Deployment) -> None:
        self._plan = plan
        self._deployment = deployment
        self._result = Result(number=plan.number, seed=plan.seed)
        self._host = Host(deployment)
        self._cut_off: set[Key] = set()
        self._habits: dict[str, object] = {}

    def play(self) -> Result:
        from tests.kill import stage

        began = time.monotonic()
        self._host.start("database", "redis", "worker", "venues")
        self._habits = {"taker_delay_ms": self._deployment.ask("GET", "/modes")["polymarket"]["taker_delay_ms"]}
        stage.open_desk(control_port=self._deployment.control_port)
        self._host.start("guard")
        try:
            for death in self._plan.deaths:
                if self._plan.is_stop:
                    self._stop_at(death)
                else:
                    self._die_at(death)
            self._come_to_rest()
        except (AssertionError, httpx.HTTPError) as problem:
            self._result.findings.append(f"{type(problem).__name__}: {problem}")
        self._result.others = dict(self._host.deaths)
        self._result.seconds = round(time.monotonic() - began, 1)
        return self._result

    # --- deaths -----------------------------------------------------------------------------------------------------

    def _die_at(self, death: Death) -> None:
        circumstance = of(death.point)
        began = datetime.now(UTC)
        trader = self._deployment.start_trader(point=f"{death.point}:{death.nth}")
        self._await_death(trader, death, circumstance, began)
        died_there = trader.died_of == signal.SIGKILL and trader.passed()[-1:] == [death.point]
        trader.kill()
        (self._result.died if died_there else self._result.missed).append(death.point)
        self._result.note_passed(trader.passed())
        self._note_cut_off()
        self._undo(circumstance)
        if death.is_host:
            self._host.lose()

    def _await_death(self, trader: Process, death: Death, circumstance: Circumstance, began: datetime) -> None:
        """Bring the circumstance about as soon as it trades, and wait until it is dead; another may die meanwhile."""
        from tests.kill import stage

        if wait_for(lambda: not trader.is_alive or stage.is_trading_since(began), within_s=BACK_WITHIN_S):
            self._note_back(trader, began)
        if trader.is_alive:
            self._bring_about(circumstance)
        stage.ask_to_compare()
        deadline = time.monotonic() + circumstance.within_s
        wait_for(lambda: not trader.is_alive, within_s=death.after_s if death.other else 0.0)
        self._lose(death.other)
        while trader.is_alive and time.monotonic() < deadline:
            if circumstance.silences_guard:
                self._be_silent(self._host.guard, trader)
            wait_for(lambda: not trader.is_alive, within_s=0.3)

    def _lose(self, name: str) -> None:
        """What was on its way to venues that died was cut off, too."""
        if name and self._host.lose_one(name):
            self._note_cut_off()

    def _note_cut_off(self) -> None:
        from tests.kill import stage

        self._cut_off |= stage.on_their_way()

    def _bring_about(self, circumstance: Circumstance) -> None:
        from tests.kill import stage

        for fault in circumstance.faults:
            self._deployment.ask("POST", "/faults", fault)
        for mode in circumstance.modes:
            self._deployment.ask("POST", "/modes", mode)
        if circumstance.speed is not None:
            self._deployment.ask("POST", "/clock", {"speed": circumstance.speed})
        if circumstance.denies:
            stage.deny_everything(is_on=True)
        if circumstance.order_of_a_person:
            number = len(self._result.died)
            wait_for(lambda: stage.person_orders(port=self._deployment.port, number=number), within_s=BACK_WITHIN_S)

    def _undo(self, circumstance: Circumstance) -> None:
        from tests.kill import stage

        self._deployment.ask("DELETE", "/faults")
        if circumstance.modes:
            self._deployment.ask("POST", "/modes", {**NORMAL, **self._habits})
        if circumstance.speed is not None:
            self._deployment.ask("POST", "/clock", {"speed": SPEED})
        if circumstance.denies:
            stage.deny_everything(is_on=False)

    def _be_silent(self, guard: Process, trader: Process) -> None:
        guard.signal(signal.SIGSTOP)
        wait_for(lambda: not trader.is_alive, within_s=SILENT_FOR_S)
        guard.signal(signal.SIGCONT)

    # --- a trader that sleeps ---------------------------------------------------------------------------------------

    def _stop_at(self, death: Death) -> None:
        """A trader stops with an order on its way; another takes over; the first one wakes up beside it."""
        from tests.kill import stage

        first = self._stopped(death)
        self._note_cut_off()
        began = datetime.now(UTC)
        second = self._deployment.start_trader()
        takes_over_s = BACK_WITHIN_S if stage.has_row_locks() else LEASE_OVER_S
        has_taken_over = wait_for(lambda: stage.is_trading_since(began), within_s=takes_over_s)
        assert has_taken_over or not stage.has_row_locks(), f"nobody took over from one stopped at {death.point}"
        self._note_back(second, began)
        first.signal(signal.SIGCONT)
        orders = stage.orders_claimed()
        goes_on = f"nobody trades after the first one woke up at {death.point}"
        until(lambda: stage.orders_claimed() > orders, within_s=BACK_WITHIN_S, else_say=goes_on)
        for trader in (first, second):
            if not trader.is_alive:
                self._result.findings.append("a trader ended by itself")
            trader.kill()
            self._result.note_passed(trader.passed())
        self._note_cut_off()

    def _stopped(self, death: Death) -> Process:
        """At the named point by itself; anywhere: from outside, some moment after it began to trade."""
        from tests.kill import stage

        began, is_anywhere = datetime.now(UTC), death.point == ANYWHERE
        point = "-" if is_anywhere else f"{death.point}:{death.nth}"
        trader = self._deployment.start_trader(point=point, by=signal.SIGSTOP)
        if is_anywhere:
            until(lambda: stage.is_trading_since(began), within_s=BACK_WITHIN_S, else_say="it does not come to trade")
            time.sleep(death.after_s)
            trader.signal(signal.SIGSTOP)
        until(lambda: trader.is_stopped, within_s=BACK_WITHIN_S, else_say=f"it did not stop at {death.point}")
        self._result.stopped.append(death.point)
        return trader

    # --- the end ----------------------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        """A last start without any point; an operator halts everything; then both books must be the same."""
        from tests.kill import stage
        from tests.kill.judge import judge, undone

        began = datetime.now(UTC)
        trader = self._deployment.start_trader()
        until(lambda: stage.is_trading_since(began), within_s=BACK_WITHIN_S, else_say="it does not come back")
        self._note_back(trader, began)
        stage.ask_to_compare()
        stage.stop_trading()
        is_same = wait_for(lambda: not self._unrest(), within_s=AT_REST_WITHIN_S, every_s=COMPARE_EVERY_S)
        self._deployment.ask("POST", "/clock", {"paused": True})
        if not is_same:
            wait_for(lambda: not self._unrest(), within_s=5.0, every_s=COMPARE_EVERY_S)
        ended = trader.end()
        self._result.note_passed(trader.passed())
        if ended:
            self._result.findings.append(f"the trader ended with {ended}")
        if self._host.has_worker:
            wait_for(lambda: not undone(), within_s=AT_REST_WITHIN_S)
        self._result.findings += [f"{name} ended by itself" for name in self._host.ended_by_themselves()]
        judge(self._result, self._ledger(), cut_off=self._cut_off, has_worker=self._host.has_worker)

    def _unrest(self) -> list[str]:
        from tests.kill.judge import differences, undone

        found = differences(self._ledger(), cut_off=self._cut_off)
        return found + (undone() if self._host.has_worker else [])

    def _ledger(self) -> dict[str, object]:
        ledger: dict[str, object] = self._deployment.ask("GET", "/ledger")
        return ledger

    def _note_back(self, trader: Process, began: datetime) -> None:
        if trader.is_alive:
            self._result.back_s.append(round((datetime.now(UTC) - began).total_seconds(), 1))


def play(orders: Orders) -> Result:
    deployment = Deployment(Path(orders.folder), orders.environment, seed=orders.plan.seed, speed=SPEED)
    with suppress(BrokenPipeError):
        try:
            return Run(orders.plan, deployment).play()
        finally:
            deployment.close()
    raise SystemExit(1)


def main() -> int:
    orders = msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)
    django.setup()
    sys.stdout.buffer.write(msgspec.json.encode(play(orders)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
