"""Whether the state of a game can be believed: every source with its age, and what is odd about it.

Story: several sources may tell one game. Entries want at least one fresh source and no disagreement among the fresh
ones about score, period and state. A score taken back, a state that runs backwards, or a clock that stands still while
the game is on freezes entries on that game and says why.

Invariant: the same states at the same times give the same verdict. Receiving an unchanged state still counts as
hearing from the source; times are µs of message time.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.domain.config import TrustLimits
from venues.types import GameState, GameStatus

SECOND_US = 1_000_000
_OVER = (GameStatus.FINAL, GameStatus.CANCELED)


class Trust(NamedTuple):
    """`reason` is empty when the game clock is trusted; `value` and `limit` are what the blocking question compared."""

    reason: str
    value: int | str = ""
    limit: int | str = ""
    fresh_sources: int = 0

    @property
    def is_trusted(self) -> bool:
        return not self.reason


class SourceView:
    """What one source has said of the game: its latest state and its oddities."""

    __slots__ = ("anomaly", "anomaly_us", "heard_us", "moved_us", "state")

    def __init__(self, state: GameState, now_us: int) -> None:
        self.state = state
        self.heard_us = now_us
        self.moved_us = now_us
        self.anomaly = ""
        self.anomaly_us = 0

    def hear(self, state: GameState, now_us: int) -> None:
        oddity = _oddity(self.state, state)
        if oddity:
            self.anomaly, self.anomaly_us = oddity, now_us
        if _moved(self.state, state):
            self.moved_us = now_us
        self.state = state
        self.heard_us = now_us

    def is_fresh(self, now_us: int, limits: TrustLimits) -> bool:
        return now_us - self.heard_us <= limits.game_fresh_s * SECOND_US


class GameView:
    """One game as all its sources tell it. `state` is that of the first source heard while it is fresh, else of the
    one heard last; `version` grows whenever that state changes."""

    __slots__ = ("_trust", "_trust_until_us", "game_id", "is_live", "sources", "state", "version")

    def __init__(self, game_id: str) -> None:
        self.game_id = game_id
        self.sources: dict[str, SourceView] = {}
        self.state: GameState | None = None
        self.version = 0
        self.is_live = False
        self._trust = Trust("not_heard_of")
        self._trust_until_us = 0

    def hear(self, state: GameState, now_us: int, limits: TrustLimits) -> bool:
        """Take a state; True if the game's own state changed by it."""
        self._trust_until_us = 0
        source = self.sources.get(state.source)
        if source is None:
            self.sources[state.source] = SourceView(state, now_us)
        else:
            source.hear(state, now_us)
        leading = self._leading(now_us, limits)
        if leading == self.state:
            return False
        self.state = leading
        self.is_live = leading.status.is_live
        self.version += 1
        return True

    def _leading(self, now_us: int, limits: TrustLimits) -> GameState:
        for source in self.sources.values():
            if source.is_fresh(now_us, limits):
                return source.state
        return max(self.sources.values(), key=lambda source: source.heard_us).state

    @property
    def has_started(self) -> bool:
        return self.is_live or (self.state is not None and self.state.status is GameStatus.FINAL)

    @property
    def is_over(self) -> bool:
        return self.state is not None and self.state.status in _OVER

    def age_s(self, now_us: int) -> int:
        """Seconds since any source was heard."""
        return (now_us - max(source.heard_us for source in self.sources.values())) // SECOND_US if self.sources else 0

    def trust(self, now_us: int, limits: TrustLimits) -> Trust:
        """The first reason not to believe the clock, or none; asked anew once a second and after every state."""
        if now_us >= self._trust_until_us:
            self._trust = self._judge(now_us, limits)
            self._trust_until_us = now_us + SECOND_US
        return self._trust

    def _judge(self, now_us: int, limits: TrustLimits) -> Trust:
        fresh = [source for source in self.sources.values() if source.is_fresh(now_us, limits)]
        if not fresh:
            return Trust("stale_game_feed", self.age_s(now_us), limits.game_fresh_s)
        for source in self.sources.values():
            if source.anomaly and now_us - source.anomaly_us < limits.anomaly_freeze_s * SECOND_US:
                since_s = (now_us - source.anomaly_us) // SECOND_US
                return Trust(source.anomaly, since_s, limits.anomaly_freeze_s, len(fresh))
        still_s = (now_us - max(source.moved_us for source in fresh)) // SECOND_US
        if still_s > limits.game_frozen_s and fresh[0].state.status is GameStatus.IN_PROGRESS:
            return Trust("frozen_clock", still_s, limits.game_frozen_s, len(fresh))
        told = {_told(source.state) for source in fresh}
        if len(told) > 1:
            return Trust("sources_disagree", " / ".join(sorted(told)), "agreement", len(fresh))
        return Trust("", "", "", len(fresh))


def _oddity(before: GameState, after: GameState) -> str:
    """What is odd about `after` following `before` from the same source; empty when nothing is."""
    if after.home_score < before.home_score or after.away_score < before.away_score:
        return "score_retracted"
    if before.status is GameStatus.FINAL and after.status is not GameStatus.FINAL:
        return "state_backwards"
    if before.status.is_live and after.status is GameStatus.SCHEDULED:
        return "state_backwards"
    if before.status.is_live and after.status.is_live and after.period < before.period:
        return "period_backwards"
    return ""


def _moved(before: GameState, after: GameState) -> bool:
    """True if anything a running game changes is different. A sport without a clock moves by its situation."""
    return (
        after.status is not before.status
        or after.home_score != before.home_score
        or after.away_score != before.away_score
        or after.period != before.period
        or after.clock_text != before.clock_text
        or after.elapsed_frac_u != before.elapsed_frac_u
        or after.situation != before.situation
    )


def _told(state: GameState) -> str:
    """What sources must agree on. A break and play are one here: sources call the whistle seconds apart."""
    live = "live" if state.status.is_live else str(state.status)
    return f"{state.home_score}-{state.away_score} p{state.period} {live}"
