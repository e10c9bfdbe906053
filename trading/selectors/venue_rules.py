"""What the ledger has to know of a venue, asked of its capabilities and never of its name."""

from __future__ import annotations

from venues.kalshi.capabilities import CAPABILITIES as KALSHI
from venues.polymarket.constants import CAPABILITIES as POLYMARKET
from venues.ports import Capabilities
from venues.types import Venue

_BY_VENUE = {one.venue: one for one in (KALSHI, POLYMARKET)}


def capabilities_of(venue: str) -> Capabilities:
    """What differs between venues, as the adapter says."""
    return _BY_VENUE[Venue(venue)]


def nets_yes_and_no(venue: str) -> bool:
    """A YES and a NO of one market meet at once and pay a dollar."""
    return capabilities_of(venue).nets_yes_and_no
