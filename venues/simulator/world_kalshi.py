"""How the simulated Kalshi lists a game: one event, one market per possible winner, a milestone that says when.

Tickers, titles, rules texts and times follow recorded events (../shared/venues/kalshi/FACTS.md §6): the date is the
Eastern one, only baseball carries the time, the away team comes first but in soccer, and no field of a market says when
the game starts: `occurrence_datetime` is three hours later.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from venues.eastern import EASTERN
from venues.leagues import KALSHI_TIE_CODE, LEAGUES, League
from venues.leagues import league as league_of
from venues.simulator.exchange_types import MarketSpec
from venues.simulator.flow.quoted import Side
from venues.simulator.games.roster import cards
from venues.simulator.games.sheet import Fixture, Sheet, TeamCard
from venues.simulator.kalshi_catalog import (
    EventCard,
    FeeType,
    KalshiCatalog,
    LiveData,
    MarketCard,
    MilestoneCard,
    SeriesCard,
    TargetCard,
    derived_uuid,
    fee_spec,
)
from venues.types import GameStatus

_HOUR_MS = 3_600_000
_AFTER_TIMER_MS = 60_000
_DISCLAIMER = (
    "Kalshi is not affiliated, associated, authorized, endorsed by, or in any way officially connected with the "
    "Governing League. All trademarks, logos, and brand names are the property of their respective owners."
)


class Terms(msgspec.Struct, frozen=True):
    """What a league's markets share; `timer_s` is the settlement timer, `open_h` the hours until they close."""

    competition: str
    tag: str
    noun: str
    kind: str
    milestone: str
    shard: int = 0
    timer_s: int = 60
    open_h: int = 48
    fee_multiplier_u: int = 1_000_000


_TERMS = {
    "basketball": Terms("Pro Basketball (M)", "Basketball", "professional basketball game", "basketball_team",
                        "basketball_game", shard=3, timer_s=45),
    "football": Terms("Pro Football", "Football", "professional football game", "football_team", "football_game"),
    "baseball": Terms("Pro Baseball", "Baseball", "professional baseball game", "baseball_team", "baseball_game",
                      shard=3, timer_s=120, open_h=72, fee_multiplier_u=500_000),
    "hockey": Terms("Pro Hockey", "Hockey", "professional hockey game", "hockey_team", "hockey_match"),
    "soccer": Terms("Soccer", "Soccer", "professional soccer game", "soccer_team", "soccer_tournament_multi_leg",
                    timer_s=30, open_h=54),
    "tennis": Terms("Tennis", "Tennis", "professional tennis match", "tennis_competitor", "tennis_match", shard=3),
}  # fmt: skip
_COMPETITIONS = {"wnba": "Pro Basketball (W)", "mls": "MLS", "epl": "EPL", "atp": "ATP", "wta": "WTA"}


def list_series(catalog: KalshiCatalog) -> None:
    """Every winner series of a sport that can be generated: the venue knows them with and without games."""
    for league in LEAGUES.values():
        if league.kalshi and league.sport in _TERMS:
            terms = _TERMS[league.sport]
            catalog.add_series(_series(league, terms, _COMPETITIONS.get(league.code, terms.competition)))


def list_game(catalog: KalshiCatalog, fixture: Fixture, *, listed_ms: int) -> list[tuple[MarketSpec, Side]]:
    """Fill the catalogue with the game and return its markets, in listing order, with the side each pays for."""
    league, terms = league_of(fixture.league), _TERMS[fixture.sport]
    event = event_ticker(fixture)
    competition = _COMPETITIONS.get(fixture.league, terms.competition)
    first, second = _order(league, fixture)
    title = f"{place(fixture, first)} vs {place(fixture, second)}"
    sub_title = f"{first.kalshi} vs {second.kalshi} ({_local(fixture):%b} {_local(fixture).day})"
    catalog.add_event(
        EventCard(
            ticker=event,
            series_ticker=league.kalshi,
            title=title,
            sub_title=sub_title,
            competition=competition,
            shard=terms.shard,
            updated_ms=listed_ms,
        )
    )
    catalog.add_milestone(_milestone(fixture, terms, event, title, listed_ms))
    listed: list[tuple[MarketSpec, Side]] = []
    for side in _sides(league):
        catalog.add_market(_market(catalog, fixture, terms, event, title, side, listed_ms))
        listed.append((_spec(fixture, terms, event, side, listed_ms), side))
    return listed


def event_ticker(fixture: Fixture) -> str:
    """`KXNBAGAME-26NOV20ATLWAS`; baseball carries the Eastern start time before the teams."""
    league, local = league_of(fixture.league), _local(fixture)
    first, second = _order(league, fixture)
    time = f"{local:%H%M}" if league.sport == "baseball" else ""
    return f"{league.kalshi}-{f'{local:%y%b%d}'.upper()}{time}{first.kalshi}{second.kalshi}"


def place(fixture: Fixture, card: TeamCard) -> str:
    """How titles call a team: its place, with an initial where two teams share one ("Los Angeles L")."""
    location = "Los Angeles" if card.location == "LA" else card.location or card.name
    namesakes = [each for each in cards(fixture.league) if each.location.replace("LA", "Los Angeles", 1) == location]
    return f"{location} {card.name[0]}" if len(namesakes) > 1 and location != card.name else location


def show_progress(catalog: KalshiCatalog, fixture: Fixture, sheet: Sheet, now_ms: int) -> None:
    """Live data of the game's milestone (free-form at the venue: FACTS §6.7)."""
    milestone = derived_uuid("milestone", fixture.event_id)
    details: dict[str, object] = {
        "status": "final" if sheet.status is GameStatus.FINAL else "live" if sheet.status.is_live else "scheduled",
        "home_points": sheet.home,
        "away_points": sheet.away,
        "period": sheet.period,
        "clock": f"{sheet.clock_s // 60}:{sheet.clock_s % 60:02d}",
        "winner": sheet.winner,
        "last_play": {"occurence_ts": now_ms // 1000, "description": sheet.last_play},
    }
    catalog.set_live(milestone, LiveData(type=_TERMS[fixture.sport].milestone, details=details))


def _order(league: League, fixture: Fixture) -> tuple[TeamCard, TeamCard]:
    return (fixture.home, fixture.away) if league.home_first else (fixture.away, fixture.home)


def _sides(league: League) -> tuple[Side, ...]:
    if league.has_draw:
        return ("home", "away", "draw")
    return ("home", "away") if league.home_first else ("away", "home")


def _local(fixture: Fixture) -> datetime:
    return datetime.fromtimestamp(fixture.start_ms / 1000, UTC).astimezone(EASTERN)


def _code(fixture: Fixture, side: Side) -> str:
    return {"home": fixture.home.kalshi, "away": fixture.away.kalshi}.get(side, KALSHI_TIE_CODE)


def _series(league: League, terms: Terms, competition: str) -> SeriesCard:
    return SeriesCard(
        ticker=league.kalshi,
        title=f"{competition} game winner",
        tags=(terms.tag,),
        fee_multiplier_u=terms.fee_multiplier_u,
        shard=terms.shard,
    )


def _milestone(fixture: Fixture, terms: Terms, event: str, title: str, listed_ms: int) -> MilestoneCard:
    return MilestoneCard(
        milestone_id=derived_uuid("milestone", fixture.event_id),
        type=terms.milestone,
        title=title,
        start_ms=fixture.start_ms,
        related_event_tickers=(event,),
        primary_event_tickers=(event,),
        source_ids={"espn": fixture.event_id},
        details={
            "home_team_id": _target_id(fixture, fixture.home),
            "away_team_id": _target_id(fixture, fixture.away),
            "main_game_event_ticker": event,
        },
        updated_ms=listed_ms,
    )


def _target_id(fixture: Fixture, card: TeamCard) -> str:
    return derived_uuid("target", f"{fixture.league}:{card.kalshi}")


def _market(
    catalog: KalshiCatalog, fixture: Fixture, terms: Terms, event: str, title: str, side: Side, listed_ms: int
) -> MarketCard:
    card = fixture.home if side == "home" else fixture.away
    name = "Tie" if side == "draw" else place(fixture, card)
    day = f"{_local(fixture):%b} {_local(fixture).day}, {_local(fixture):%Y}"
    game = f"the {title} {terms.noun} originally scheduled for {day}"
    condition = f"{game} ends in a tie" if side == "draw" else f"{name} wins {game}"
    if side != "draw":
        target = TargetCard(target_id=_target_id(fixture, card), name=card.display, type=terms.kind)
        catalog.add_target(target)
    return MarketCard(
        ticker=f"{event}-{_code(fixture, side)}",
        event_ticker=event,
        title=f"{title} Winner?",
        yes_sub_title=name,
        rules_primary=f"If {condition}, then the market resolves to Yes.",
        rules_secondary=_secondary(fixture, terms, game),
        strike_key=terms.kind,
        strike_id=derived_uuid("target", "tie") if side == "draw" else _target_id(fixture, card),
        created_ms=listed_ms,
        occurrence_ms=fixture.start_ms + 3 * _HOUR_MS,
        expected_expiration_ms=fixture.start_ms + 3 * _HOUR_MS,
        latest_expiration_ms=fixture.start_ms + terms.open_h * _HOUR_MS,
    )


def _secondary(fixture: Fixture, terms: Terms, game: str) -> str:
    tie = " If the game ends in a tie, the market will resolve to $0.50 for each team." * (fixture.sport == "football")
    return (
        f"The following market refers to {game}.{tie} If the game is postponed but begins within 48 hours from its "
        "originally scheduled start time, the market will remain open and resolve based on the official final result. "
        f"If the game is not started within 48 hours, the market will resolve to a fair market price.\n\n{_DISCLAIMER}"
    )


def _spec(fixture: Fixture, terms: Terms, event: str, side: Side, listed_ms: int) -> MarketSpec:
    return MarketSpec(
        native_id=f"{event}-{_code(fixture, side)}",
        event_id=event,
        fee=fee_spec(FeeType.QUADRATIC_WITH_MAKER_FEES, terms.fee_multiplier_u),
        open_ms=listed_ms,
        close_ms=fixture.start_ms + terms.open_h * _HOUR_MS,
        settle_timer_ms=terms.timer_s * 1000 + _AFTER_TIMER_MS,
        shard=terms.shard,
    )
