"""Verify the audit trail: walk the chains, and hold them against the anchors that lie outside the database.

A chain by itself shows what was changed, removed or moved in its middle. Who removes its end, writes it anew from some
entry on, or brings back an older copy leaves a chain that is whole: only an anchor contradicts it. Every finding is a
sentence that names the first bad row; `WHAT_TO_DO` says what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Max, Sum

from audit import triggers
from audit.anchors import CHAIN_PREFIX, FILE_NAME, Anchor, AnchorsDamaged, Head, digest_of, read_anchors
from audit.hashing import HASHED, columns_hash
from audit.models import AuditChain, AuditEntry

WHAT_TO_DO = (
    "Stop trading (manage.py halt), keep a copy of this database, its backups and audit.anchors, and find the newest "
    "backup that verifies: what it holds is true, what came after it has to be read from the venues and the logs."
)
WHAT_TO_DO_BEHIND = (
    "If an older copy was brought back on purpose: reconcile every account, then say so for good with "
    'manage.py verify_audit --accept "why".'
)


class Mark(NamedTuple):
    """What an anchor says of one entry: its hash, and which line says so."""

    hash: str
    told: str


def heads_now() -> dict[str, Head]:
    """The head of every chain."""
    return {name: Head(seq, last) for name, seq, last in AuditChain.objects.values_list("name", "seq", "hash")}


def entries_count() -> int:
    """Entries ever written but those that tell of anchors: how the trail moves, by one cheap read."""
    heads = AuditChain.objects.exclude(name__startswith=CHAIN_PREFIX)
    return heads.aggregate(entries=Sum("seq"))["entries"] or 0


def last_entry(chain: str) -> AuditEntry | None:
    return AuditEntry.objects.filter(chain=chain).order_by("-seq").first()


def chain_names() -> list[str]:
    """Every chain that has a head or an entry."""
    heads = set(AuditChain.objects.values_list("name", flat=True))
    return sorted(heads | set(AuditEntry.objects.values_list("chain", flat=True).order_by().distinct()))


def chain_verify(chain: str, anchored: Mapping[int, Mark] | None = None) -> str | None:
    """None for a whole chain that agrees with what was `anchored` (by entry), else the first thing wrong with it.

    It may grow meanwhile: what is walked ends where the head was at the beginning.
    """
    marks, head = anchored or {}, AuditChain.objects.filter(name=chain).first() or AuditChain(name=chain)
    entries = AuditEntry.objects.filter(chain=chain)
    rows = entries.filter(seq__lte=head.seq).order_by("seq").values_list(*HASHED, "hash")
    seq, last_hash, problem = _walk(chain, rows.iterator(chunk_size=2_000), marks)
    if problem:
        return problem
    if marks and max(marks) > seq:
        ahead = max(marks)
        return f"The anchors are ahead of '{chain}': they know entry {ahead} ({marks[ahead].told}), it ends at {seq}."
    if (head.seq, head.hash) != (seq, last_hash):
        return f"The chain '{chain}' ends at {seq}, its head says {head.seq}."
    beyond = entries.filter(seq__gt=seq).order_by("seq").values_list("seq", flat=True).first()
    if beyond and not AuditChain.objects.filter(name=chain, seq__gt=seq).exists():
        return f"Entry {beyond} of '{chain}' is there, but its head says that the chain ends at {seq}."
    return None


def audit_verify(paths: Sequence[Path]) -> list[str]:
    """All that is wrong with the triggers, the chains and the anchor files at `paths`; nothing for a whole trail."""
    problems = [f"The database lets rows of '{one.table}' be changed: {one.name} is absent or disabled."
                for one in triggers.missing(connection)]  # fmt: skip
    entered_to = AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    files: dict[str, list[Anchor]] = {}
    for path in paths:
        try:
            lines = read_anchors(path)
        except AnchorsDamaged as damage:
            problems.append(f"{damage} Compare it with the log's audit_anchored lines.")
        else:
            files |= {lines[0].chain: lines} if lines else {}
    marks = marks_of(files.values())
    for name in sorted({*chain_names(), *marks}):
        problems += [problem] if (problem := chain_verify(name, marks.get(name))) else []
    return problems + list(_files_problems(files, entered_to))


def entry_lost(known: Mapping[str, Head], now: Mapping[str, Head]) -> str | None:
    """The quick look: None where each chain still has the entry that is `known` of it, as its head or before it."""
    for chain, head in sorted(known.items()):
        if now.get(chain) == head:
            continue
        if not AuditEntry.objects.filter(chain=chain, seq=head.seq, hash=head.hash).exists():
            ends = f"it ends at {now[chain].seq}" if chain in now else "it has no such chain"
            return f"The anchors know entry {head.seq} of '{chain}', which the database does not have: {ends}."
    return None


def marks_of(files: Iterable[Sequence[Anchor]]) -> dict[str, dict[int, Mark]]:
    """What the lines of files say, by chain and entry; what a later line of a file accepted as gone is set aside."""
    found: dict[str, dict[int, Mark]] = {}
    for lines in files:
        accepted = max((line.line for line in lines if line.accepted), default=0)
        for line in lines:
            told = f"line {line.line} of {FILE_NAME}, {line.at}, {line.why}"
            for chain, head in line.heads.items() if line.line >= accepted else ():
                found.setdefault(chain, {})[head.seq] = Mark(head.hash, told)
    return found


def _walk(chain: str, rows: Iterable[tuple[Any, ...]], marks: Mapping[int, Mark]) -> tuple[int, str, str | None]:
    """The last good entry's number and hash, and what is wrong with the one after it."""
    seq, last_hash = 0, ""
    for *columns, own_hash in rows:
        prev_hash, number = columns[0], columns[2]
        if number != seq + 1:
            wrong = f"stands there twice (entry {number})" if number == seq else f"is absent; the next row is {number}"
            return seq, last_hash, f"Entry {seq + (number != seq)} of '{chain}' {wrong}."
        if prev_hash != last_hash or columns_hash(tuple(columns)) != own_hash:
            return seq, last_hash, f"{_named(chain, columns)} was changed, or stands where another stood."
        seq, last_hash = number, own_hash
        if seq in marks and marks[seq].hash != last_hash:
            wrong = f"is not the one that was anchored ({marks[seq].told}): it was written anew"
            return seq, last_hash, f"{_named(chain, columns)} {wrong}."
    return seq, last_hash, None


def _named(chain: str, columns: Sequence[Any]) -> str:
    number, at, actor, kind = columns[2], columns[4], columns[5], columns[6]
    return f"Entry {number} of '{chain}' ({kind} by {actor}, {at:%Y-%m-%d %H:%M:%S} UTC)"


def _files_problems(files: Mapping[str, list[Anchor]], entered_to: int) -> Iterator[str]:
    """The database knows every line that was ever written to a file; what a person accepted as gone is set aside."""
    known = {chain: {line.line: digest_of(line) for line in lines} for chain, lines in files.items()}
    accepted = [line.heads for lines in files.values() for line in lines if line.accepted]
    aside = {chain: head.seq for heads in accepted for chain, head in heads.items()}
    entered = AuditEntry.objects.filter(chain__startswith=CHAIN_PREFIX, pk__lte=entered_to).order_by("chain", "seq")
    reported = set()
    for chain, seq, payload in entered.values_list("chain", "seq", "payload"):
        if chain in reported or seq <= aside.get(chain, 0):
            continue
        told = msgspec.json.decode(payload)
        if chain not in known:
            reported.add(chain)
            yield f"The file of anchors '{chain}' is not here: it was removed, or is another host's (--anchors FILE)."
        elif known[chain].get(told["line"]) != told["digest"]:
            reported.add(chain)
            yield f"Line {told['line']} of the anchors is not the one that was written: the file was cut or replaced."
