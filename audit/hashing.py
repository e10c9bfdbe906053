"""What an entry's hash is made of. Pure: the same row gives the same hash on every machine and database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode

HASHED = (
    "prev_hash", "chain", "seq", "uid", "created_at", "actor", "kind", "subject_type", "subject_uid", "payload",
)  # fmt: skip
"""The columns of an entry in the order in which they are hashed: all but its id and the hash itself."""


def canonical_json(payload: Mapping[str, Any]) -> str:
    """The same text for the same payload, whatever the order of its keys."""
    return _encode(payload).decode()


def columns_hash(columns: tuple[Any, ...]) -> str:
    """SHA-256 over the values of `HASHED`: the predecessor's hash and all that the entry says."""
    prev_hash, chain, seq, uid, created_at, *told = columns
    said = (prev_hash, chain, str(seq), str(uid), created_at.isoformat(timespec="microseconds"), *told)
    return hashlib.sha256(_encode(said)).hexdigest()
