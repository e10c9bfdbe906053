"""What a halt is about: the words a person types become the key that every claim looks for.

Invariant: a key that names nothing is refused, so that a halt which stops nobody never looks like one that does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from accounts.models import User, VenueAccount
from core.errors import Invalid
from markets.models import Game, Market
from risk.models import HaltScope
from venues.types import Venue


@dataclass(frozen=True, slots=True)
class HaltTarget:
    """`key` as `risk.selectors.scopes_of` makes it; `owner`: whose trading alone it stops, if one person's."""

    key: str
    owner: User | None = None


def halt_target(scope: HaltScope, text: str) -> HaltTarget:
    """Understand a user by e-mail or uid, an account by uid, a market or game by id or uid, a venue in any case.

    Raises Invalid for an empty key and for one that names nothing.
    """
    text = text.strip()
    target = _TARGETS[scope](text)
    if target is None:
        raise Invalid("invalid", f"There is no {scope} '{text}' to halt." if text else f"Say which {scope}.")
    return target


def _everything(text: str) -> HaltTarget | None:
    if text:
        raise Invalid("invalid", "The global scope is everything; it has no key.")
    return HaltTarget("")


def _venue(text: str) -> HaltTarget | None:
    return HaltTarget(text.lower()) if text.lower() in {venue.value for venue in Venue} else None


def _user(text: str) -> HaltTarget | None:
    user = User.objects.filter(Q(email=text.lower()) | _has_uid(text)).first()
    return HaltTarget(str(user.uid), user) if user else None


def _account(text: str) -> HaltTarget | None:
    account = VenueAccount.objects.select_related("user").filter(_has_uid(text)).first()
    return HaltTarget(str(account.uid), account.user) if account else None


def _strategy(text: str) -> HaltTarget | None:
    return HaltTarget(text) if text else None


def _game(text: str) -> HaltTarget | None:
    game = Game.objects.filter(Q(game_id=text) | _has_uid(text)).first()
    return HaltTarget(game.game_id) if game else None


def _market(text: str) -> HaltTarget | None:
    market = Market.objects.filter(Q(market_id=text) | _has_uid(text)).first()
    return HaltTarget(market.market_id) if market else None


def _has_uid(text: str) -> Q:
    """Matches nothing where the text is not a uid."""
    try:
        return Q(uid=UUID(text))
    except ValueError:
        return Q(pk__in=[])


_TARGETS: dict[HaltScope, Callable[[str], HaltTarget | None]] = {
    HaltScope.GLOBAL: _everything,
    HaltScope.VENUE: _venue,
    HaltScope.USER: _user,
    HaltScope.ACCOUNT: _account,
    HaltScope.STRATEGY: _strategy,
    HaltScope.GAME: _game,
    HaltScope.MARKET: _market,
}
