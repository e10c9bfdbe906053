"""ESPN's status object of a game: the ids, names and texts it uses in every sport and phase.

Source: ../shared/sports/FACTS.md §2 and §3 and the recorded scoreboards: a break is HALFTIME only at half-time,
baseball and tennis stay IN_PROGRESS through theirs, soccer has a status per half and a clock that counts up.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from venues.eastern import EASTERN
from venues.leagues import League
from venues.simulator.games.sheet import Baseball, Fixture, Sheet
from venues.types import GameStatus

_IN_PROGRESS = ("2", "STATUS_IN_PROGRESS", "in", "In Progress")
_HALF_S = 2700


def status_object(league: League, fixture: Fixture, sheet: Sheet) -> dict[str, Any]:
    """`{clock, displayClock, period, type{…}}` as it stands on the sheet."""
    if sheet.status is GameStatus.SCHEDULED:
        return _before(league, fixture)
    kind, detail, short = _phase(league, sheet)
    number, name, state, description = kind
    clock, display = _clock(league, sheet)
    return {
        "clock": clock,
        "displayClock": display,
        "period": sheet.period,
        "type": {
            "id": number,
            "name": name,
            "state": state,
            "completed": state == "post",
            "description": description,
            "detail": detail,
            "shortDetail": short,
        },
    }


def start_texts(start_ms: int) -> tuple[str, str]:
    """("Fri, November 20th at 7:00 PM EST", "11/20 - 7:00 PM EST")."""
    local = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(EASTERN)
    clock = f"{local.hour % 12 or 12}:{local:%M %p %Z}"
    return f"{local:%a, %B} {ordinal(local.day)} at {clock}", f"{local.month}/{local.day} - {clock}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _before(league: League, fixture: Fixture) -> dict[str, Any]:
    """Before the start football shows 15:00 of period 1 and baseball period 1: only `state` tells."""
    detail, short = start_texts(fixture.start_ms)
    is_football = league.sport == "football"
    return {
        "clock": league.period_s if is_football else 0.0,
        "displayClock": "15:00" if is_football else "0.0" if league.sport == "basketball" else "0:00",
        "period": 1 if league.sport in ("football", "baseball") else 0,
        "type": {
            "id": "1",
            "name": "STATUS_SCHEDULED",
            "state": "pre",
            "completed": False,
            "description": "Scheduled",
            "detail": detail,
            "shortDetail": short,
        },
    }


def _phase(league: League, sheet: Sheet) -> tuple[tuple[str, str, str, str], str, str]:
    """The status kind with its long and its short text."""
    if sheet.status is GameStatus.FINAL:
        return _final(league, sheet)
    if league.sport == "soccer":
        return _soccer(sheet)
    if league.sport == "baseball":
        text = _half_inning(sheet)
        return _IN_PROGRESS, text, text.replace("Bottom", "Bot").replace("Middle", "Mid")
    if league.sport == "tennis":
        return _IN_PROGRESS, f"Set {sheet.period}", f"Set {sheet.period}"
    if sheet.status is GameStatus.BREAK:
        return _break(league, sheet)
    if sheet.period == 0:
        return _IN_PROGRESS, "In Progress", "In Progress"
    period, clock = _period(league, sheet.period), _clock(league, sheet)[1]
    noun = "" if sheet.period > league.periods else f" {league.period.title()}"
    return _IN_PROGRESS, f"{clock} - {period}{noun}", f"{clock} - {period}"


def _final(league: League, sheet: Sheet) -> tuple[tuple[str, str, str, str], str, str]:
    if league.sport == "soccer":
        return ("28", "STATUS_FULL_TIME", "post", "Full Time"), "FT", "FT"
    extra = ""
    if league.sport == "baseball" and sheet.period > league.periods:
        extra = f"/{sheet.period}"
    elif league.sport == "hockey" and sheet.period == 5:
        extra = "/SO"
    elif league.sport not in ("baseball", "tennis") and sheet.period > league.periods:
        extra = f"/{_period(league, sheet.period)}"
    return ("3", "STATUS_FINAL", "post", "Final"), f"Final{extra}", f"Final{extra}"


def _soccer(sheet: Sheet) -> tuple[tuple[str, str, str, str], str, str]:
    if sheet.status is GameStatus.BREAK:
        return ("23", "STATUS_HALFTIME", "in", "Halftime"), "HT", "HT"
    minute = _soccer_clock(sheet)[1]
    if sheet.period == 1:
        return ("25", "STATUS_FIRST_HALF", "in", "First Half"), minute, minute
    return ("26", "STATUS_SECOND_HALF", "in", "Second Half"), minute, minute


def _break(league: League, sheet: Sheet) -> tuple[tuple[str, str, str, str], str, str]:
    if league.periods % 2 == 0 and sheet.period == league.periods // 2:
        return ("23", "STATUS_HALFTIME", "in", "Halftime"), "Halftime", "Halftime"
    short = f"End of {_period(league, sheet.period)}"
    noun = "" if sheet.period > league.periods else f" {league.period.title()}"
    return ("22", "STATUS_END_PERIOD", "in", "End of Period"), short + noun, short


def _period(league: League, period: int) -> str:
    """1st … 4th, then OT, 2OT."""
    extra = period - league.periods
    return ordinal(period) if extra <= 0 else "OT" if extra == 1 else f"{extra}OT"


def _half_inning(sheet: Sheet) -> str:
    detail = sheet.detail_of(Baseball)
    if sheet.status is GameStatus.BREAK:
        return f"{'Middle' if detail.is_top else 'End'} {ordinal(sheet.period)}"
    return f"{'Top' if detail.is_top else 'Bottom'} {ordinal(sheet.period)}"


def _clock(league: League, sheet: Sheet) -> tuple[float, str]:
    if league.sport == "soccer":
        return _soccer_clock(sheet)
    if league.sport in ("baseball", "tennis") or sheet.clock_s == 0:
        return 0.0, "0.0" if league.sport == "basketball" else "0:00"
    if league.sport == "basketball" and sheet.clock_s < 60:
        return float(sheet.clock_s), f"{sheet.clock_s}.0"
    return float(sheet.clock_s), f"{sheet.clock_s // 60}:{sheet.clock_s % 60:02d}"


def _soccer_clock(sheet: Sheet) -> tuple[float, str]:
    """Counts up; stoppage time is shown as 45'+2' while the number stays at the end of the half."""
    end_s = sheet.period * _HALF_S
    played_s = sheet.period_len_s - sheet.clock_s if sheet.status is GameStatus.IN_PROGRESS else sheet.period_len_s
    total_s = end_s - _HALF_S + played_s
    if total_s <= end_s:
        return float(total_s), f"{max(1, -(-total_s // 60))}'"
    return float(end_s), f"{end_s // 60}'+{-(-(total_s - end_s) // 60)}'"
