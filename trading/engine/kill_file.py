"""The KILL file as the guard knows it: on the disk, or, where the disk takes nothing more, in its own memory."""

from __future__ import annotations

from pathlib import Path

import structlog

from trading.engine.permit import KILL_FILE

log = structlog.get_logger(__name__)


class KillFile:
    """Read and laid down by several threads. Invariant: from `lay_down` on it is there until a person takes the file
    away, whether or not it could be written."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / KILL_FILE
        self._unwritten = ""

    @property
    def is_there(self) -> bool:
        return bool(self._unwritten) or self._path.exists()

    def lay_down(self, reason: str) -> None:
        """Raises nothing: a full disk must not keep the guard from stopping."""
        self._unwritten = reason
        self.try_again()

    def try_again(self) -> None:
        """Write what could not be written; it would not outlive this process."""
        reason = self._unwritten  # another thread may be done with it meanwhile
        if not reason:
            return
        try:
            self._path.write_text(f"{reason}\n", "utf-8")
        except OSError as error:
            log.critical("kill_file_not_written", reason=reason, error=str(error))
        else:
            self._unwritten = ""
