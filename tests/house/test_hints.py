"""Redis carries hints and views: what decides reads rows, whoever else writes into the same Redis (ORDERS R01, R02)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.tree import Module, program

HINTS = frozenset({"redis", "django.core.cache", "core.live", "channels", "core.broadcast"})
DECIDE = ("trading/domain/", "trading/services/", "trading/selectors/", "trading/engine/", "risk/")
MAY = {
    "trading/engine/announcing.py": "tells other processes to look; tells nothing that is believed",
    "trading/engine/guard_ears.py": "a word that can only take away",
    "trading/engine/publisher.py": "writes views of what was decided",
    "trading/selectors/game_page.py": "what a page shows",
    "trading/selectors/pages.py": "what a page shows",
}


def imported(module: Module) -> Iterator[str]:
    for node in module.of(ast.Import):
        yield from (name.name for name in node.names)
    for node in module.of(ast.ImportFrom):
        yield node.module or ""
        yield from (f"{node.module}.{name.name}" for name in node.names)


def test_nothing_that_decides_reads_redis():
    deciding = [module for module in program() if str(module.path).startswith(DECIDE)]
    readers = {str(module.path) for module in deciding if HINTS & set(imported(module))}
    assert readers - set(MAY) == set()
    assert set(MAY) <= readers, "one of these does not need its leave any more"
