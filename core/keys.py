"""Secrets that the program makes for itself at its first start, each in a file only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def load_or_create_secret(path: Path, *, secret: str = "") -> str:
    """The secret in `path`; put there when absent (`secret`, or a random one). Racing processes agree on one."""
    if not path.exists():
        _create(path, secret or secrets.token_urlsafe(64))
    return path.read_text(encoding="ascii").strip()


def _create(path: Path, secret: str) -> None:
    """Write beside, then link into place: a reader never sees half a secret, and the first writer wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
