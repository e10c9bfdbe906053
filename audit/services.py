"""Write the audit trail: hash chains, one per owner, without a gap in `seq`.

`hash = sha256(prev_hash + every other column)`, so a changed, inserted, removed or moved row breaks the chain at its
place; `audit.selectors` walks it. An entry is written inside the transaction of the change it tells, or that change
does not happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import connection

from audit.hashing import HASHED, canonical_json, columns_hash
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
    entry.hash = columns_hash(tuple(getattr(entry, name) for name in HASHED))
    return entry


def entry_writes(entry: AuditEntry) -> tuple[Statement, Statement]:
    """The entry and the step of its chain's head, which nobody else may have moved."""
    step = Statement(
        "UPDATE audit_auditchain SET seq = %s, hash = %s WHERE name = %s AND seq = %s",
        [entry.seq, entry.hash, entry.chain, entry.seq - 1],
        lambda: Conflict("conflict", f"Two writers appended to the audit chain '{entry.chain}'."),
    )
    return insert(entry), step
