"""ESPN's replies as typed structs: only the fields we use, and beside them the names of those we know and do not use.

`venues.wire.Census` compares every reply with both lists, so that a new or renamed field is counted, never lost in
silence. Field names as recorded from 2022 to 2026; anything may be missing.
"""

from __future__ import annotations

from venues.wire import Wire, fields


class Shape(Wire, kw_only=True, rename="camel"):
    """Base of all: ESPN writes camelCase."""


class StatusType(Shape, kw_only=True):
    UNUSED = fields("id shortDetail altDetail")
    name: str = ""
    state: str
    completed: bool | None = None
    description: str = ""
    detail: str = ""


class Status(Shape, kw_only=True):
    """`clock` is in seconds and may be missing, as in the header of a summary."""

    UNUSED = fields("displayPeriod featured featuredAthletes session summary")
    type: StatusType
    clock: float | None = None
    display_clock: str = ""
    period: int = 0


class Period(Shape, kw_only=True):
    UNUSED = fields("displayName slug")
    periods: int | None = None
    clock: float | None = None


class Format(Shape, kw_only=True):
    regulation: Period | None = None
    overtime: Period | None = None


class Score(Shape, kw_only=True):
    """Some endpoints wrap a score; most send a string."""

    UNUSED = fields("winner shootoutScore source")
    value: float | None = None
    display_value: str = ""


class Named(Shape, kw_only=True):
    """A team, an athlete, or a pair of them."""

    UNUSED = fields(
        """
        uid guid alternateColor color conferenceId countryCode groups isActive links location logo logos
        name nickname venue flag fullName athletes headshot shortName shortDisplayName slug
        """
    )
    id: str = ""
    abbreviation: str = ""
    display_name: str = ""


class LineScore(Shape, kw_only=True):
    """One period of one side: points, games of a set, runs of an innings."""

    UNUSED = fields("description isCurrent linescores overs period statistics wickets")
    value: float | None = None
    display_value: str = ""
    tiebreak: int | None = None
    winner: bool | None = None
    runs: int | None = None
    is_batting: bool = False


class Competitor(Shape, kw_only=True):
    UNUSED = fields(
        """
        uid type curatedRank errors form hits leaders possession probables rank ranks record records
        statistics tournamentSeed advance aggregateScore lineup
        """
    )
    id: str = ""
    home_away: str = ""
    order: int = 0
    winner: bool | None = None
    score: str | float | Score | None = None
    shootout_score: float | None = None
    team: Named | None = None
    athlete: Named | None = None
    roster: Named | None = None
    linescores: tuple[LineScore, ...] | None = None


class LastPlay(Shape, kw_only=True):
    UNUSED = fields(
        """
        alternativePlay alternativeType atBatId athletesInvolved drive end id probability scoreValue start
        statYardage summaryType team type
        """
    )
    text: str = ""


class Situation(Shape, kw_only=True):
    UNUSED = fields(
        """
        $ref awayTimeouts homeTimeouts batter pitcher possessionText server distance shortDownDistanceText
        yardLine down dueUp
        """
    )
    last_play: LastPlay | None = None
    down_distance_text: str = ""
    possession: str | None = None
    is_red_zone: bool = False
    balls: int | None = None
    strikes: int | None = None
    outs: int | None = None
    on_first: bool = False
    on_second: bool = False
    on_third: bool = False


class Kind(Shape, kw_only=True):
    """`text` and `abbreviation` say which part of a meeting it is: FP1, Race, Flyweight, Men's Singles."""

    UNUSED = fields("id slug type")
    abbreviation: str = ""
    text: str = ""


class Competition(Shape, kw_only=True):
    """A game, a match of a tournament, a bout of a card, a session of a race."""

    UNUSED = fields(
        """
        uid startDate endDate attendance timeValid neutralSite conferenceCompetition boxscoreAvailable
        boxscoreMinutes boxscoreSource broadcast broadcasts class commentaryAvailable description details
        fastcastAvailable gamecastAvailable geoBroadcasts groups headlines highlights leaders liveAvailable
        notes odds onWatchESPN outsText playByPlayAthletes playByPlayAvailable playByPlaySource
        possessionArrowAvailable recent round series shortDescription shotChartAvailable tickets
        timeoutsAvailable tournamentId venue wallclockAvailable wasSuspended
        """
    )
    id: str
    date: str = ""
    type: Kind | None = None
    status: Status | None = None
    format: Format | None = None
    situation: Situation | None = None
    competitors: tuple[Competitor, ...] = ()


class Grouping(Shape, kw_only=True):
    """The matches of one draw of a tennis tournament."""

    UNUSED = fields("grouping")
    competitions: tuple[Competition, ...] = ()


class Season(Shape, kw_only=True):
    UNUSED = fields("year slug displayName current name")
    type: int = 0


class Event(Shape, kw_only=True):
    UNUSED = fields(
        """
        uid calendar circuit description endDate links major previousWinners venue venues weather week
        """
    )
    id: str
    date: str = ""
    name: str = ""
    short_name: str = ""
    season: Season | None = None
    status: Status | None = None
    competitions: tuple[Competition, ...] = ()
    groupings: tuple[Grouping, ...] = ()


class Scoreboard(Shape, kw_only=True):
    UNUSED = fields("day groups leagues provider season week eventsDate")
    events: tuple[Event, ...]


class HeaderCompetitor(Shape, kw_only=True):
    """The compact board keeps the team's names on the competitor itself."""

    UNUSED = fields(
        """
        alternateColor color group guid links location logo logoDark name record recordStats records type
        uid tournamentSeed rank
        """
    )
    id: str = ""
    home_away: str = ""
    order: int = 0
    winner: bool | None = None
    score: str | float | Score | None = None
    abbreviation: str = ""
    display_name: str = ""


class HeaderEvent(Shape, kw_only=True):
    """`status` is a bare word here; `fullStatus` is the object the scoreboard calls `status`."""

    UNUSED = fields(
        """
        appLinks broadcast broadcasts clock commentaryAvailable fauxcastAvailable status gamecastAvailable
        group guid link links location neutralSite odds onDisneyNetwork onWatch period playByPlayAvailable
        recent season seasonEndDate seasonStartDate seasonTypeHasGroups seriesSummary summary timeValid uid
        video wallclockAvailable week weekText
        """
    )
    id: str
    competition_id: str = ""
    date: str = ""
    name: str = ""
    short_name: str = ""
    season_type: int | str = 0
    full_status: Status | None = None
    competitors: tuple[HeaderCompetitor, ...] = ()


class HeaderLeague(Shape, kw_only=True):
    UNUSED = fields("abbreviation isTournament name shortName smartdates tag uid id")
    slug: str = ""
    events: tuple[HeaderEvent, ...] = ()


class HeaderSport(Shape, kw_only=True):
    UNUSED = fields("guid id logos name uid")
    slug: str = ""
    leagues: tuple[HeaderLeague, ...] = ()


class Header(Shape, kw_only=True):
    sports: tuple[HeaderSport, ...]


class PlayPeriod(Shape, kw_only=True):
    UNUSED = fields("displayValue type")
    number: int = 0


class PlayClock(Shape, kw_only=True):
    UNUSED = fields("value")
    display_value: str = ""


class Play(Shape, kw_only=True):
    """One play. `wallclock` is when it happened, not when ESPN showed it (10 s to 30 s later)."""

    UNUSED = fields(
        """
        coordinate participants pointsAttempted scoreValue scoringPlay sequenceNumber team shootingPlay
        shortDescription type
        """
    )
    id: str
    text: str = ""
    away_score: int = 0
    home_score: int = 0
    period: PlayPeriod | None = None
    clock: PlayClock | None = None
    wallclock: str = ""


class WinProbability(Shape, kw_only=True):
    """ESPN's own model after one play, 0 … 1."""

    play_id: str = ""
    home_win_percentage: float
    tie_percentage: float = 0.0


class SummaryHeader(Shape, kw_only=True):
    UNUSED = fields("uid league links timeValid week gameNote")
    id: str
    season: Season | None = None
    competitions: tuple[Competition, ...] = ()


class Summary(Shape, kw_only=True):
    UNUSED = fields(
        """
        againstTheSpread article boxscore broadcasts gameInfo injuries lastFiveGames leaders meta news odds
        pickcenter predictor seasonseries standings ticketsInfo videos wallclockAvailable
        """
    )
    header: SummaryHeader
    format: Format | None = None
    plays: tuple[Play, ...] = ()
    winprobability: tuple[WinProbability, ...] = ()
