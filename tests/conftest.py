"""What every test may use. Recorded data lies beside the repository and is never copied into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.test import override_settings
from hypothesis import settings
from pytest_django import DjangoDbBlocker

settings.register_profile("courtside", deadline=None)  # a busy machine is no failure
settings.load_profile("courtside")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


# Their tests wait for clocks more than they work.
WAITING = (ROOT / "tests" / "trading" / "engine", ROOT / "tests" / "venues" / "hostile")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests wait are begun one by one among the first half of the others, which work meanwhile."""
    places: dict[Path, float] = {}
    waiting = list(dict.fromkeys(item.path for item in items if item.path.parent in WAITING))
    working = list(dict.fromkeys(item.path for item in items if item.path.parent not in WAITING))
    places.update((path, place / max(1, len(working))) for place, path in enumerate(working))
    places.update((path, place / max(1, len(waiting)) / 2) for place, path in enumerate(waiting))
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded venue and game data; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the recorded data in ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def own_redis() -> Iterator[None]:
    """On Redis each worker has a database and channels of its own: `cache.clear` empties all of a database."""
    if not django_settings.REDIS_URL:
        yield
        return
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    server, _, database = django_settings.REDIS_URL.rpartition("/")
    caches, layers = deepcopy(django_settings.CACHES), deepcopy(django_settings.CHANNEL_LAYERS)
    caches["default"]["LOCATION"] = f"{server}/{int(database) - worker}"
    layers["default"]["CONFIG"]["prefix"] = f"worker{worker}"
    with override_settings(CACHES=caches, CHANNEL_LAYERS=layers):
        yield


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A password costs a millisecond here; that production's hasher is Argon2 is a test of its own."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tests that empty their tables cannot do so under the audit triggers; the tests of the triggers install them."""
    from django.db import connection
    from django.db.models.signals import post_migrate

    from audit import triggers

    post_migrate.disconnect(triggers.install_after_migrate, sender=apps.get_app_config("audit"))
    with django_db_blocker.unblock():
        triggers.remove(connection)
