"""The look at what a former run kept, before this one writes anything: the venues' state, the database, the keys."""

from __future__ import annotations

from core.embedded import setup
from core.embedded.parts import RunOptions, run_starting
from core.embedded.simulators import require_usable_state


def require_startable(options: RunOptions, *, reset: bool) -> None:
    """Raises RunRefused where what a former run kept cannot go on, or may not be removed. Changes nothing."""
    if reset:
        setup.require_own_database()
    else:
        require_usable_state(options)
    keeps_database = not reset and setup.has_database()
    if keeps_database:
        setup.require_usable_database()
    run_starting.send(sender=RunOptions, is_reset=reset, has_database=keeps_database)
