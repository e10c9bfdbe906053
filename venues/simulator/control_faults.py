"""Faults at the control port: schedule them, see what struck, take them off.

    POST /faults {"match": {"venue": "kalshi", "op": "create", "nth": 3}, "fault": "accept_then_drop"}
    POST /faults {"seed": 7, "rate": 0.1}
    GET /faults          what is scheduled, and how often each struck
    DELETE /faults

Most faults strike when a request or a frame comes along. Those of connections act at once as well: `refuse` shuts the
venue's port until it is deleted (or for `delay_ms`), `close_idle` closes the kept-alive connections on which nothing is
under way, `disconnect`, `storm` and `auth_expired` end the sockets there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.fault_plan import BadRule, FaultRule, Match, ScheduledFaults, SeededFaults
from venues.simulator.faults import FaultPlan

_SHOWN_STRIKES = 200
_MILLION = 1_000_000
_ENDING = ("disconnect", "storm", "auth_expired")


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens once, now."""

    fault: str
    match: Match = Match()


class SeedWish(SeededFaults, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rate` is a share (0.1), the readable form of `rate_ppm`."""

    rate: float | None = None

    def seeded(self) -> SeededFaults:
        fields = msgspec.structs.asdict(self)
        rate = fields.pop("rate")
        if rate is not None:
            fields["rate_ppm"] = round(rate * _MILLION)
        return SeededFaults(**fields)


class FaultDesk:
    """`faces` are the venues' order faces by name. A simulator that was given another plan schedules nothing here."""

    def __init__(self, plan: FaultPlan, faces: Mapping[str, Router]) -> None:
        self._plan = plan if isinstance(plan, ScheduledFaults) else None
        self._faces = faces
        self._refusing: list[Router] = []
        self._reopening: set[asyncio.Task[None]] = set()

    def add_routes(self, router: Router) -> None:
        router.route("POST", "/faults", self.schedule)
        router.get("/faults", self.show)
        router.route("DELETE", "/faults", self.clear)

    def schedule(self, request: Request) -> Reply:
        if self._plan is None:
            return _refused(409, "this simulator was started with a fault plan of its own: nothing can be scheduled")
        try:
            self._take(self._plan, request.body)
        except (msgspec.MsgspecError, BadRule) as problem:
            return _refused(400, str(problem))
        return json_reply(self._view(self._plan), 201)

    def show(self, request: Request) -> Reply:
        return json_reply(self._view(self._plan or ScheduledFaults()))

    async def clear(self, request: Request) -> Reply:
        if self._plan is not None:
            self._plan.clear()
        for face in self._faces.values():
            await self._listen_again(face)
        return json_reply(self._view(self._plan or ScheduledFaults()))

    def _take(self, plan: ScheduledFaults, body: bytes) -> None:
        fields = msgspec.json.decode(body, type=dict[str, Any])
        if "seed" in fields:
            plan.draw_by(msgspec.convert(fields, SeedWish).seeded())
        elif fields.get("fault") == "close_idle":
            act = msgspec.convert(fields, Act)
            for face in self._matched(act.match):
                face.host.close_idle()
        elif fields.get("fault") == "disconnect":
            self._end_sockets(msgspec.convert(fields, Act).match)
        else:
            self._add(plan, msgspec.convert(fields, FaultRule).check())

    def _add(self, plan: ScheduledFaults, rule: FaultRule) -> None:
        """A host that refuses is a state of the port, not something that requests meet: there are none."""
        if rule.fault == "refuse":
            for face in self._matched(rule.match):
                self._refuse(face, rule.delay_ms)
            return
        plan.add(rule)
        if rule.fault in _ENDING:
            self._end_sockets(rule.match)

    def _end_sockets(self, match: Match) -> None:
        for face in self._matched(match):
            for socket in list(face.sockets):
                if match.account in ("", socket.account_id) and match.reference in socket.path:
                    socket.cut()

    def _refuse(self, face: Router, for_ms: int) -> None:
        face.host.refuse()
        self._refusing.append(face)
        if for_ms:
            task = asyncio.get_running_loop().create_task(self._listen_again(face, after_ms=for_ms))
            self._reopening.add(task)
            task.add_done_callback(self._reopening.discard)

    async def _listen_again(self, face: Router, *, after_ms: int = 0) -> None:
        await asyncio.sleep(after_ms / 1000)
        await face.host.listen_again()
        self._refusing = [each for each in self._refusing if each is not face]

    def _matched(self, match: Match) -> list[Router]:
        return [face for venue, face in self._faces.items() if match.venue in ("", venue)]

    def _view(self, plan: ScheduledFaults) -> dict[str, Any]:
        strikes = list(plan.strikes)[-_SHOWN_STRIKES:]
        return {
            "scheduled": [msgspec.to_builtins(rule) | {"struck": hits} for rule, hits in plan.rules],
            "refusing": [venue for venue, face in self._faces.items() if face in self._refusing],
            "seeded": msgspec.to_builtins(plan.seeded),
            "struck": dict(sorted(plan.struck.items())),
            "strikes": [{"fault": each.fault, **msgspec.to_builtins(each.call)} for each in strikes],
        }


def _refused(status: int, sentence: str) -> Reply:
    return json_reply({"error": sentence}, status)
