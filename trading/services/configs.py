"""Change what the strategy may do. Versioned, so that two pages cannot overwrite each other unseen; audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit.services import audit_append, chain_of_user
from core import clock
from core.errors import Conflict, Invalid
from notifications.services import group_of, outbox_put
from trading.models import SportConfig
from venues.leagues import LEAGUES

EDITABLE = frozenset(
    field.name
    for field in SportConfig._meta.concrete_fields
    if field.name not in {"id", "uid", "user", "league", "version", "created_at", "updated_at"}
)


@transaction.atomic(durable=True)
def sport_config_set(
    *, user: User, league: str, changes: Mapping[str, Any], actor: str, version: int | None = None
) -> SportConfig:
    """Create or change a league's settings; the running session takes them over within seconds.

    Raises Invalid with the fields that are wrong, Conflict when `version` is not the stored one.
    """
    if league not in LEAGUES or set(changes) - EDITABLE:
        raise Invalid("invalid", "No such league or setting.", fields=sorted(set(changes) - EDITABLE))
    row, _ = SportConfig.objects.select_for_update().get_or_create(user=user, league=league)
    if version is not None and version != row.version:
        raise Conflict("conflict", "These settings were changed elsewhere; load them again.", version=row.version)
    before = {name: str(getattr(row, name)) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    row.version, row.updated_at = row.version + 1, clock.now()
    try:
        row.full_clean(exclude=["user"])
    except ValidationError as problem:
        raise Invalid("invalid", fields=problem.message_dict) from problem
    row.save()
    after = {name: str(getattr(row, name)) for name in changes}
    _tell(user, row, actor, {"league": league, "before": before, "after": after})
    return row


def _tell(user: User, row: SportConfig, actor: str, payload: dict[str, Any]) -> None:
    audit_append(
        chain=chain_of_user(user.uid),
        actor=actor,
        kind="settings.changed",
        subject_type="sport_config",
        subject_uid=row.uid,
        payload=payload,
    )
    key = f"settings:{row.uid}:{row.version}"
    outbox_put(topic="settings.changed", group=group_of(user), dedupe_key=key, payload={"league": row.league})
