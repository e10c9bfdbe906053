"""Where ESPN answers, what its statuses mean, and how often it may politely be asked.

Sources: recorded scoreboards of 2022 to 2026 and the public notes in pseudo-r/Public-ESPN-API. ESPN publishes neither
limits nor a contract: it answers 403 to custom user agents since 2026-08-04, HTTP 400 to `dates=A-B` since 2026-09-15,
and exactly 25 events to any `limit` above 500.
"""

from __future__ import annotations

from venues.types import GameStatus

PRODUCTION = "https://site.web.api.espn.com"
SCOREBOARD_PATH = "/apis/site/v2/sports/{espn}/scoreboard"
SUMMARY_PATH = "/apis/site/v2/sports/{espn}/summary"
HEADER_PATH = "/apis/personalized/v2/scoreboard/header"
GROUPS_LIMIT = 500

REQUESTS_PER_S = 3.0
LIVE_EVERY_S = 10.0
SOON_EVERY_S = 30.0
IDLE_EVERY_S = 120.0
QUIET_EVERY_S = 900.0
SOON_S = 20 * 60
FIRST_RETRY_S = 10.0
RETRY_CEILING_S = 300.0
FORGET_AFTER_S = 4 * 86_400

# Soccer and rugby clocks count through the whole game, other upward clocks start anew in each period.
WHOLE_GAME_CLOCK = frozenset({"soccer", "rugby", "rugby-league"})
# Sports in which many compete at once: there is no home and no away side.
FIELD_SPORTS = frozenset({"golf", "racing"})
SET_SPORTS = frozenset({"tennis", "volleyball"})
POSTSEASON = 3

# The name alone; `completed` has the last word on FINAL (see `parse.game_status`).
STATUS: dict[str, GameStatus] = {
    "STATUS_SCHEDULED": GameStatus.SCHEDULED,
    "STATUS_TBD": GameStatus.SCHEDULED,
    "STATUS_PRE_FIGHT": GameStatus.SCHEDULED,
    "STATUS_FIGHTERS_WALKING": GameStatus.SCHEDULED,
    "STATUS_FIGHTERS_INTRODUCTION": GameStatus.SCHEDULED,
    "STATUS_IN_PROGRESS": GameStatus.IN_PROGRESS,
    "STATUS_IN_PROGRESS_2": GameStatus.IN_PROGRESS,
    "STATUS_BEGIN_PERIOD": GameStatus.IN_PROGRESS,
    "STATUS_FIRST_HALF": GameStatus.IN_PROGRESS,
    "STATUS_SECOND_HALF": GameStatus.IN_PROGRESS,
    "STATUS_OVERTIME": GameStatus.IN_PROGRESS,
    "STATUS_EXTRA_TIME": GameStatus.IN_PROGRESS,
    "STATUS_GOLDEN_TIME": GameStatus.IN_PROGRESS,
    "STATUS_SHOOTOUT": GameStatus.IN_PROGRESS,
    "STATUS_HALFTIME": GameStatus.BREAK,
    "STATUS_HALFTIME_ET": GameStatus.BREAK,
    "STATUS_END_PERIOD": GameStatus.BREAK,
    "STATUS_END_OF_REGULATION": GameStatus.BREAK,
    "STATUS_END_OF_EXTRATIME": GameStatus.BREAK,
    "STATUS_END_OF_ROUND": GameStatus.BREAK,
    "STATUS_END_OF_FIGHT": GameStatus.BREAK,
    "STATUS_DELAYED": GameStatus.DELAYED,
    "STATUS_RAIN_DELAY": GameStatus.DELAYED,
    "STATUS_SUSPENDED": GameStatus.SUSPENDED,
    "STATUS_POSTPONED": GameStatus.POSTPONED,
    "STATUS_CANCELED": GameStatus.CANCELED,
    "STATUS_ABANDONED": GameStatus.CANCELED,
    "STATUS_UNCONTESTED": GameStatus.CANCELED,
    "STATUS_FORFEIT": GameStatus.CANCELED,
    "STATUS_HOME_FORFEIT": GameStatus.CANCELED,
    "STATUS_AWAY_FORFEIT": GameStatus.CANCELED,
    "STATUS_FINAL": GameStatus.FINAL,
    "STATUS_FULL_TIME": GameStatus.FINAL,
    "STATUS_FINAL_AET": GameStatus.FINAL,
    "STATUS_FINAL_PEN": GameStatus.FINAL,
    "STATUS_FULL_PEN": GameStatus.FINAL,
    "STATUS_FINAL_OT": GameStatus.FINAL,
    "STATUS_GOLDEN_GOAL": GameStatus.FINAL,
    "STATUS_RETIRED": GameStatus.FINAL,
    "STATUS_WALKOVER": GameStatus.FINAL,
}
