"""One line for people on what is happening: down and distance, bases and outs, sets, innings, a leaderboard."""

from __future__ import annotations

from venues.espn.constants import FIELD_SPORTS, SET_SPORTS
from venues.espn.schemas import Competition, Competitor, LineScore, Situation
from venues.espn.sides import name_of, score_text

_LEADERS_SHOWN = 5


def situation_text(sport: str, competition: Competition, home: Competitor, away: Competitor) -> str:
    """Of a game with two sides; empty when ESPN tells nothing."""
    if sport in SET_SPORTS:
        return sets_text(home.linescores or (), away.linescores or ())
    if sport == "cricket":
        return ", ".join(f"{name_of(side)} {score_text(side)}" for side in (home, away) if score_text(side))
    now = competition.situation
    if now is None:
        return ""
    if sport == "football":
        return _football(now, home, away)
    if sport == "baseball":
        return _baseball(now)
    return now.last_play.text if now.last_play is not None else ""


def leaderboard_text(competition: Competition) -> str:
    """The first five of a golf tournament or a race, in ESPN's order."""
    ranked = sorted(competition.competitors, key=lambda one: one.order)[:_LEADERS_SHOWN]
    return ", ".join(f"{at} {name_of(one)} {score_text(one)}".rstrip() for at, one in enumerate(ranked, start=1))


def sets_text(home: tuple[LineScore, ...], away: tuple[LineScore, ...]) -> str:
    """`6-4 3-2`, home side first."""
    return " ".join(
        f"{int(ours.value or 0)}-{int(theirs.value or 0)}" for ours, theirs in zip(home, away, strict=False)
    )


def is_field(sport: str) -> bool:
    return sport in FIELD_SPORTS


def _football(now: Situation, home: Competitor, away: Competitor) -> str:
    if not now.down_distance_text:
        return now.last_play.text if now.last_play is not None else ""
    holder = next((name_of(side) for side in (home, away) if side.id == now.possession), "")
    zone = "red zone" if now.is_red_zone else ""
    return ", ".join(part for part in (now.down_distance_text, f"{holder} ball" if holder else "", zone) if part)


def _baseball(now: Situation) -> str:
    """`1 out, 2-1, on 1st 3rd`. Three strikes show for a moment after a strike-out."""
    if now.outs is None:
        return now.last_play.text if now.last_play is not None else ""
    bases = [base for base, taken in (("1st", now.on_first), ("2nd", now.on_second), ("3rd", now.on_third)) if taken]
    count = f"{now.balls or 0}-{now.strikes or 0}"
    return f"{now.outs} out, {count}, " + (f"on {' '.join(bases)}" if bases else "bases empty")
