"""Paper accounts: live data of the real venues, play money, the same path of every order.

Story: the desk opens the venue's feed as always and puts a paper feed around it; the account's doors are paper doors on
that feed. The account's own truth is its journal in the data folder, opened with the cash our books opened it with.
Invariant: a journal that is missing while our books know fills of the account is refused, never begun anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from accounts.models import Mode, User, VenueAccount
from accounts.selectors import accounts_of
from accounts.services import credential_open, credential_store, venue_account_open
from core.errors import NotFound, Unavailable
from trading.engine.database import DatabaseThread
from trading.engine.simulated import ACTOR, KIND_OF
from trading.selectors.ledgers import has_fills, opening_cash_u
from trading.services.cash import cash_open
from venues.paper.account import open_paper_account
from venues.paper.hub import PaperFeed
from venues.paper.journal import FileJournal
from venues.ports import AccountReader, MarketDataFeed, OrderGateway
from venues.simulator.remote import SimulatorControl
from venues.types import MICRO, Venue

FOLDER = "paper"


@dataclass(frozen=True, slots=True)
class PaperOpening:
    """What our books know of a paper account before its doors open. Amount in µUSD."""

    opening_u: int
    has_fills: bool


class PaperDoors:
    """Opens paper doors on live feeds; journals lie in the data folder `folder`."""

    def __init__(self, *, folder: Path, latency_ms: int, clock_ms: Callable[[], int]) -> None:
        self._folder = folder
        self._latency_ms = latency_ms
        self._clock_ms = clock_ms

    def feed(self, feed: MarketDataFeed) -> PaperFeed:
        return PaperFeed(feed, clock_ms=self._clock_ms)

    def open(
        self, row: VenueAccount, feed: MarketDataFeed, opening: PaperOpening
    ) -> tuple[AccountReader, OrderGateway]:
        """Raises Unavailable `paper_journal_missing`, NotSent while another process has the account, ProtocolError for
        a damaged journal."""
        assert isinstance(feed, PaperFeed), "a desk has paper feeds or none"
        path = journal_path(self._folder, row)
        if opening.has_fills and not path.exists():
            raise Unavailable("paper_journal_missing", account=str(row.uid))
        return open_paper_account(
            feed,
            account=row.account_key,
            journal=FileJournal(path),
            opening_u=opening.opening_u,
            clock_ms=self._clock_ms,
            latency_ms=self._latency_ms,
        )


def journal_path(data_dir: Path, row: VenueAccount) -> Path:
    return data_dir / FOLDER / f"{row.uid}.jsonl"


def paper_opening(row: VenueAccount) -> PaperOpening:
    return PaperOpening(opening_cash_u(row), has_fills(row))


def market_data_secrets(row: VenueAccount) -> dict[str, str]:
    """The key for public data, where the venue wants one and the account has it; orders need none on paper."""
    try:
        opened = credential_open(account=row, kind=KIND_OF[Venue(row.venue)], purpose="market data", actor=ACTOR)
    except NotFound:
        return {}
    return {name: secret.reveal_text() for name, secret in opened.items()}


def paper_account_ensure(
    *, user: User, venue: Venue, opening_u: int | None = None, secrets: Mapping[str, str] | None = None
) -> VenueAccount:
    """The user's paper account at a venue, opened with `opening_u` µUSD of play money (else the setting) if there is
    none. `secrets`: the key with which the venue gives its public data (Kalshi wants one)."""
    known = [row for row in accounts_of(user, mode=Mode.PAPER) if row.venue == venue]
    key = f"paper-{venue}-{str(user.uid)[-12:]}"
    row = (
        known[0]
        if known
        else venue_account_open(
            user=user, venue=venue, mode=Mode.PAPER, account_key=key, label=f"Paper {venue.title()}", actor=ACTOR
        )
    )
    cash_open(venue_account=row, amount_u=settings.PAPER_OPENING_USD * MICRO if opening_u is None else opening_u)
    if secrets:
        credential_store(
            account=row, kind=KIND_OF[venue], secrets=dict(secrets), public_id=secrets.get("key_id", key), actor=ACTOR
        )
    return row


async def ensure_paper_accounts(
    *, user: User, database: DatabaseThread, control: SimulatorControl | None = None
) -> None:
    """One account at each venue. The key that a venue's public data wants is stored by `manage.py paper_account`; a
    simulator (`control`) gives one out."""
    for venue in Venue:
        row = await database.call(paper_account_ensure, user=user, venue=venue)
        if control is not None and not await database.call(market_data_secrets, row):
            made = await control.open_account(venue, balance_usd="0")
            secrets = {name: str(value) for name, value in made.credentials.items()}
            await database.call(paper_account_ensure, user=user, venue=venue, secrets=secrets)
