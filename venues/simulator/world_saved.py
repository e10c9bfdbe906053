"""The world as one blob: where time stood, what the calendar had made, and every contest.

Written with each change of a client account, so it is kept cheap: a contest that is over is encoded once. Those over
for more than two days of virtual time are left out.
"""

from __future__ import annotations

import msgspec

from venues.simulator.world import World
from venues.simulator.world_build import Builder, SavedContest
from venues.simulator.world_contest import Contest
from venues.simulator.world_schedule import Calendar, CalendarState

_KEPT_MS = 48 * 3_600_000


class SavedWorld(msgspec.Struct, kw_only=True):
    """`source` names the tape or the scenario; a world only goes on from the same seed and source."""

    seed: int
    source: str
    now_ms: int
    digest: str
    events: int
    calendar: CalendarState | None
    contests: list[msgspec.Raw]

    def restored(self) -> list[SavedContest]:
        return [msgspec.json.decode(raw, type=SavedContest) for raw in self.contests]


class Saver:
    """Makes the blob of a running world."""

    def __init__(self, world: World, builder: Builder, calendar: Calendar | None, *, seed: int, source: str) -> None:
        self._world = world
        self._builder = builder
        self._calendar = calendar
        self._seed = seed
        self._source = source
        self._over: dict[str, msgspec.Raw] = {}

    def blob(self) -> bytes:
        world = self._world
        kept = [contest for contest in world.contests if not self._is_old(contest)]
        saved = SavedWorld(
            seed=self._seed,
            source=self._source,
            now_ms=world.now_ms,
            digest=world.digest,
            events=world.events,
            calendar=self._calendar.state if self._calendar else None,
            contests=[self._encoded(contest) for contest in kept],
        )
        return msgspec.json.encode(saved)

    def _is_old(self, contest: Contest) -> bool:
        sheet = contest.game.sheet
        return contest.next_ms is None and sheet.final_ms + _KEPT_MS < self._world.now_ms

    def _encoded(self, contest: Contest) -> msgspec.Raw:
        event_id = contest.game.fixture.event_id
        if event_id in self._over:
            return self._over[event_id]
        raw = msgspec.Raw(msgspec.json.encode(self._builder.saved(contest)))
        if contest.next_ms is None:
            self._over[event_id] = raw
        return raw


def read_saved(blob: bytes) -> SavedWorld:
    """Raises msgspec.MsgspecError for a blob of another version."""
    return msgspec.json.decode(blob, type=SavedWorld)
