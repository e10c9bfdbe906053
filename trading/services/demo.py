"""What the newcomer's run starts with: settings for every league the simulated venues play, and a trader that runs."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from audit.services import audit_append, chain_of_user
from trading.models import SportConfig, TraderState
from trading.services.trader import trader_start

ACTOR = "demo"
DEMO_LEAGUES = ("nba", "wnba", "nfl", "mlb", "nhl", "epl", "mls", "atp", "wta")


def demo_desk_ensure(*, user: User) -> bool:
    """Once per user: what a person changed or stopped later stays so. True when it was made now."""
    if TraderState.objects.filter(user=user).exists():
        return False
    _settings_ensure(user)
    trader_start(user=user, actor=ACTOR)
    return True


@transaction.atomic(durable=True)
def _settings_ensure(user: User) -> None:
    rows = [SportConfig(user=user, league=league, is_enabled=True, auto_trade=True) for league in DEMO_LEAGUES]
    SportConfig.objects.bulk_create(rows, ignore_conflicts=True)
    audit_append(
        chain=chain_of_user(user.uid),
        actor=ACTOR,
        kind="settings.made",
        subject_type="user",
        subject_uid=user.uid,
        payload={"leagues": DEMO_LEAGUES, "is_enabled": True, "auto_trade": True},
    )
