"""What a run begins with: a migrated database with a user who trades at both venues, the same for every run.

Made once per process. The listings come over the wire as in life, from venues on which nothing goes wrong.
"""

from __future__ import annotations

import random

from accounts.models import Mode, User
from accounts.services import credential_store, venue_account_open
from markets.services import game_upsert, market_link, market_upsert
from risk.limits import HARD_CAPS, NAMES
from risk.models import AccountLimits
from tests.chaos.database import database, migrated
from tests.chaos.network import Network
from tests.chaos.venues import CASH_U, START_MS, Venues
from tests.chaos.virtual import VirtualLoop, time_of
from tests.chaos.weather import Weather
from trading.engine.simulated import ACTOR, KIND_OF
from trading.services.cash import cash_open
from trading.services.trader import trader_start
from venues.registry import open_market_data, simulated_endpoints
from venues.types import GameState, GameStatus, MarketKind, TeamRef, Venue, VenueMarket

BASE_PORT = 10_000


_made: list[bytes] = []


def image(tables: bytes | None = None) -> bytes:
    """The database of a run before its first moment. `tables`: a migrated one without rows, where there is one."""
    if not _made:
        _made.append(_make(tables))
    return _made[0]


def _make(tables: bytes | None) -> bytes:
    loop = VirtualLoop(start_ms=START_MS)
    try:
        with time_of(loop), database(tables, wall_us=loop.wall_us) as wrapper:
            venues = Venues()
            if tables is None:
                migrated()
            listed = loop.run_until_complete(_listed(venues, loop))
            _write_down(venues, listed)
            taken: bytes = wrapper.connection.serialize()
            return taken
    finally:
        loop.close()


async def _listed(venues: Venues, loop: VirtualLoop) -> list[VenueMarket]:
    weather = Weather(0)
    weather.calm()
    weather.dice = random.Random(0)
    network = Network(venues.apps, weather)
    markets: list[VenueMarket] = []
    with network.installed():
        for venue in Venue:
            feed = open_market_data(
                venue, endpoints=simulated_endpoints(BASE_PORT), secrets=venues.secrets[venue], clock_ms=loop.wall_ms
            )
            markets += [one for one in await feed.list_markets("nba") if one.kind is MarketKind.MONEYLINE]
            await feed.aclose()
    return markets


def _write_down(venues: Venues, markets: list[VenueMarket]) -> None:
    user = User.objects.create_user("chaos@example.org")
    for venue in Venue:
        _account(user, venue, venues.secrets[venue])
    game = game_upsert(game=_game(venues))
    for market in markets:
        market_link(game=game, market=market_upsert(market=market), yes_is_home=None)
    trader_start(user=user, actor="chaos")


def _account(user: User, venue: Venue, secrets: dict[str, str]) -> None:
    key = secrets["key_id"] if venue is Venue.KALSHI else secrets["funder"]
    row = venue_account_open(user=user, venue=venue, mode=Mode.SIMULATED, account_key=key, actor=ACTOR)
    credential_store(account=row, kind=KIND_OF[venue], secrets=secrets, public_id=key, actor=ACTOR)
    cash_open(venue_account=row, amount_u=CASH_U)
    known = {field.name for field in AccountLimits._meta.get_fields()}
    # Limits are no part of these runs: an order that one of them refuses meets no faults.
    AccountLimits.objects.create(
        venue_account=row, **{name: getattr(HARD_CAPS, name) for name in NAMES if name in known}
    )


def _game(venues: Venues) -> GameState:
    fixture = venues.assembly.world.contests[0].game.fixture
    return GameState(
        game_id=f"espn:{fixture.event_id}",
        source="espn",
        league=fixture.league,
        sport="basketball",
        status=GameStatus.SCHEDULED,
        home=TeamRef("1", "HOM", fixture.home.display),
        away=TeamRef("2", "AWY", fixture.away.display),
        home_score=0,
        away_score=0,
        start_ms=fixture.start_ms,
    )
