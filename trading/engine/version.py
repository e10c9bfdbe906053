"""Which program this is: a permit is good only for the code and the configuration that the guard itself runs.

Two versions side by side (a deploy that is half done, a flag set in one process only) must not trade on each other's
permits. The version is a hash of the files that decide about orders and of the settings that say where they go.
"""

from __future__ import annotations

import uuid
from functools import cache
from hashlib import blake2b
from pathlib import Path

from django.conf import settings

ROOMS = ("risk", "trading", "venues")
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@cache
def running_version() -> bytes:
    """16 bytes, as the files were when this process first asked."""
    digest = blake2b(_configuration().encode(), digest_size=16)
    root = Path(settings.BASE_DIR)
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.digest()


@cache
def boot_id() -> bytes:
    """16 bytes that change with every start of the machine: its monotonic clock starts anew then."""
    try:
        return uuid.UUID(_BOOT.read_text().strip()).bytes
    except (OSError, ValueError):
        return bytes(16)


@cache
def deployment_name() -> str:
    """The same on every host that shares our database: what halts are announced under."""
    return blake2b(_configuration().encode(), digest_size=8).hexdigest()


def _configuration() -> str:
    database = settings.DATABASES["default"]
    place = [str(database.get(name, "")) for name in ("ENGINE", "HOST", "PORT", "NAME")]
    return "\0".join([settings.TRADING_MODE, str(settings.LIVE_TRADING_ALLOWED), *place])
