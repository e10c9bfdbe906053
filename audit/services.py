"""Write and verify the audit trail: hash chains, one per owner, without a gap in `seq`.

`hash = sha256(prev_hash + every other column)`, so a changed, inserted, removed or moved row breaks the chain at its
place. An entry is written inside the transaction of the change it tells, or that change does not happen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.db import connection, transaction

from audit.models import AuditChain, AuditEntry
from core import clock
from core.errors import Conflict

SYSTEM_CHAIN = "system"


def chain_of_user(user_uid: object) -> str:
    return f"user:{user_uid}"


def audit_append(
    *,
    chain: str,
    actor: str,
    kind: str,
    subject_type: str = "",
    subject_uid: object = "",
    payload: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add one entry to a chain. Call it inside the transaction of what it tells; `payload` must hold no secret."""
    if not connection.in_atomic_block:
        raise RuntimeError("an audit entry belongs into the transaction of what it tells")
    head = _locked_head(chain)
    entry = AuditEntry(
        chain=chain,
        seq=head.seq + 1,
        actor=actor,
        kind=kind,
        subject_type=subject_type,
        subject_uid=str(subject_uid),
        payload=canonical_json(payload or {}),
        prev_hash=head.hash,
        created_at=clock.now(),
    )
    entry.hash = entry_hash(entry)
    entry.save()
    moved = AuditChain.objects.filter(pk=head.pk, seq=head.seq).update(seq=entry.seq, hash=entry.hash)
    if not moved:
        raise Conflict("conflict", f"two writers appended to the audit chain '{chain}'")
    return entry


def canonical_json(payload: Mapping[str, Any]) -> str:
    """The same text for the same payload, whatever the order of its keys."""
    return msgspec.json.encode(payload, order="deterministic").decode()


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the predecessor's hash and all that the entry says."""
    columns = (
        entry.prev_hash,
        entry.chain,
        str(entry.seq),
        str(entry.uid),
        entry.created_at.isoformat(timespec="microseconds"),
        entry.actor,
        entry.kind,
        entry.subject_type,
        entry.subject_uid,
        entry.payload,
    )
    return hashlib.sha256(msgspec.json.encode(columns)).hexdigest()


def chain_verify(chain: str) -> str | None:
    """None for a whole chain, else the first thing wrong with it, in a sentence."""
    entries = AuditEntry.objects.filter(chain=chain).order_by("seq").iterator(chunk_size=2_000)
    seq, last_hash, problem = _walk(entries)
    if problem:
        return problem
    head = AuditChain.objects.filter(name=chain).first()
    if head is None or (head.seq, head.hash) != (seq, last_hash):
        return f"The chain '{chain}' ends at {seq}, its head says {head.seq if head else 'nothing'}."
    return None


def chain_names() -> list[str]:
    """Every chain that has a head or an entry."""
    heads = set(AuditChain.objects.values_list("name", flat=True))
    return sorted(heads | set(AuditEntry.objects.values_list("chain", flat=True).order_by().distinct()))


def _walk(entries: Iterable[AuditEntry]) -> tuple[int, str, str | None]:
    seq, last_hash = 0, ""
    for entry in entries:
        if entry.seq != seq + 1:
            return seq, last_hash, f"Entry {seq + 1} of '{entry.chain}' is absent."
        if entry.prev_hash != last_hash or entry_hash(entry) != entry.hash:
            return seq, last_hash, f"Entry {entry.seq} of '{entry.chain}' was changed."
        seq, last_hash = entry.seq, entry.hash
    return seq, last_hash, None


def _locked_head(chain: str) -> AuditChain:
    """The head, locked where the database has row locks; on SQLite the transaction itself excludes other writers."""
    head = AuditChain.objects.select_for_update().filter(name=chain).first()
    if head is not None:
        return head
    with transaction.atomic():
        AuditChain.objects.bulk_create([AuditChain(name=chain)], ignore_conflicts=True)
    return AuditChain.objects.select_for_update().get(name=chain)
