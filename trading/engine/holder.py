"""The name under which a trader process holds leases, so that one that was killed is succeeded at once.

Story: a lease outlives its holder by up to 15 s. The trader of a data folder holds a lock on a file in it, which the
kernel lets go when the process ends, however it ends: whoever gets the lock next knows that the holder before is dead,
and holds leases under the same name, which need not run out first. Invariant: no two living processes have one name.
The name that goes with the lock is made of an id kept in the locked file and of the place of that file, so that a copy
of the folder, on this machine or another, has another name; whoever does not get the lock (a second trader beside a
living or a stopped one) has a name of its own process, and follows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import socket
from pathlib import Path
from types import TracebackType

import structlog

from trading.engine.desk import process_holder

log = structlog.get_logger(__name__)

LOCK_NAME = "trader.lock"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class FolderHolder:
    """`name` while the block lasts. Opening the folder's file raises OSError where that cannot be done."""

    def __init__(self, data_dir: Path) -> None:
        self._file = (data_dir / LOCK_NAME).open("a+", encoding="ascii")
        self.name = process_holder()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("trader_folder_in_use", holder=self.name)
        else:
            self.name = f"{socket.gethostname()[:64]}:trader-{self._id()}-{self._place()}"

    def __enter__(self) -> FolderHolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _id(self) -> str:
        """Made by the first who locked this file; a half-written one is made anew."""
        self._file.seek(0)
        kept = self._file.read().strip()
        if len(kept) != 32:
            kept = secrets.token_hex(16)
            self._file.truncate(0)
            self._file.write(kept)
            self._file.flush()
        return kept

    def _place(self) -> str:
        """This file of this boot of this machine: after a reboot a lease runs out, as between two machines."""
        file, boot = os.fstat(self._file.fileno()), _BOOT_ID.read_text() if _BOOT_ID.exists() else ""
        return hashlib.sha256(f"{boot.strip()}:{file.st_dev}:{file.st_ino}".encode()).hexdigest()[:12]
