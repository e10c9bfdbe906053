"""Write and verify the audit trail: hash chains, one per owner, without a gap in `seq`.

`hash = sha256(prev_hash + every other column)`, so a changed, inserted, removed or moved row breaks the chain at its
place. An entry is written inside the transaction of the change it tells, or that change does not happen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from audit.models import AuditChain, AuditEntry
from core import clock
from core.errors import Conflict
from core.sql import Answer, Statement, insert, locking, mark_inserted, run

SYSTEM_CHAIN = "system"


class ChainHead(NamedTuple):
    """The last entry of a chain; `seq` 0 and no hash where there is none yet."""

    chain: str
    seq: int
    hash: str


def chain_of_user(user_uid: object) -> str:
    return f"user:{user_uid}"


def chain_of_account(account_uid: object) -> str:
    return f"account:{account_uid}"


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
    entry = entry_after(
        head_locked(chain),
        actor=actor,
        kind=kind,
        subject_type=subject_type,
        subject_uid=subject_uid,
        payload=payload,
    )
    answer, _ = run(*entry_writes(entry))
    mark_inserted(entry, answer)
    return entry


def head_locked(chain: str) -> ChainHead:
    """The head, locked where the database has row locks; on SQLite the transaction itself excludes other writers."""
    if not connection.in_atomic_block:
        raise RuntimeError("an audit entry belongs into the transaction of what it tells")
    [answer] = run(head_read(chain))
    return head_of(chain, answer)


def head_read(chain: str) -> Statement:
    """For a batch of reads: its answer is what `head_of` takes."""
    return Statement(f"SELECT seq, hash FROM audit_auditchain WHERE name = %s {locking()}", [chain])


def head_of(chain: str, answer: Answer) -> ChainHead:
    """A chain without a head gets one."""
    if not answer.rows:
        AuditChain.objects.bulk_create([AuditChain(name=chain)], ignore_conflicts=True)
        [answer] = run(head_read(chain))
    seq, last_hash = answer.rows[0]
    return ChainHead(chain, seq, last_hash)


def entry_after(
    head: ChainHead,
    *,
    actor: str,
    kind: str,
    subject_type: str = "",
    subject_uid: object = "",
    payload: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """The next entry of a locked chain, hashed and not yet written."""
    entry = AuditEntry(
        chain=head.chain,
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
    return entry


def entry_writes(entry: AuditEntry) -> tuple[Statement, Statement]:
    """The entry and the step of its chain's head, which nobody else may have moved."""
    step = Statement(
        "UPDATE audit_auditchain SET seq = %s, hash = %s WHERE name = %s AND seq = %s",
        [entry.seq, entry.hash, entry.chain, entry.seq - 1],
        lambda: Conflict("conflict", f"Two writers appended to the audit chain '{entry.chain}'."),
    )
    return insert(entry), step


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
