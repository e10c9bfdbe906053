"""Where the simulated venues of this data folder listen, for whoever was not told: tasks and commands.

A run that found the usual port taken notes the one it got; a note that is left over from a killed run leads nowhere,
which reads as "not reachable".
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

NOTE = "simulators.port"


def note_port(data_dir: Path, port: int) -> None:
    """Remember it where it is not the usual one."""
    path = data_dir / NOTE
    if port == settings.SIMULATOR_PORT:
        path.unlink(missing_ok=True)
    else:
        path.write_text(str(port))


def simulator_port() -> int:
    """The first of the simulator's ports."""
    path = Path(settings.DATA_DIR) / NOTE
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.isdecimal() else int(settings.SIMULATOR_PORT)
