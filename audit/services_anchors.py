"""Write anchors: first the file, on the disk, then an entry that says so, and a line in the log.

A death between the two leaves a line that the database does not know, which nobody minds: what a line says of the
chains is held against them all the same. The other way round it would look like a file that was cut.
"""

from __future__ import annotations

import structlog
from django.db import transaction

from audit.anchors import Anchor, AnchorFile, AnchorsAhead, digest_of
from audit.selectors import entry_lost, heads_now
from audit.services import audit_append
from core import clock

log = structlog.get_logger(__name__)


def anchor_write(*, file: AnchorFile, why: str, actor: str) -> Anchor:
    """Write down outside the database how far every chain has come. Raises OSError, AnchorsDamaged, and AnchorsAhead
    where the database lost what the file knows: nothing is written over that until a person accepts it."""
    return _write(file, why, actor, accepted="")


def anchors_accept(*, file: AnchorFile, reason: str, actor: str) -> Anchor:
    """A person says why the database is behind the anchors: from now on it is held against what it holds now. The
    line and the entry that say so stay. Raises OSError, AnchorsDamaged."""
    return _write(file, "accepted by a person", actor, accepted=reason)


@transaction.atomic(durable=True)
def anchor_note(*, anchor: Anchor, actor: str) -> None:
    """Enter a line of the file into the database."""
    facts = {"line": anchor.line, "digest": digest_of(anchor), "why": anchor.why}
    audit_append(
        chain=anchor.chain,
        actor=actor,
        kind="anchors.accepted" if anchor.accepted else "anchors.written",
        subject_type="anchors",
        subject_uid=anchor.file,
        payload={**facts, "accepted": anchor.accepted} if anchor.accepted else facts,
    )


def _write(file: AnchorFile, why: str, actor: str, *, accepted: str) -> Anchor:
    with file.locked():
        heads = heads_now()
        if not accepted and (lost := entry_lost(file.heads, heads)):
            raise AnchorsAhead(lost)
        anchor = file.append(
            at=clock.now().isoformat(timespec="milliseconds"),
            why=why,
            heads=heads if accepted else file.moved(heads),
            accepted=accepted,
        )
        anchor_note(anchor=anchor, actor=actor)
    log.info("audit_anchored", line=anchor.line, digest=digest_of(anchor), why=why, moved=len(anchor.heads))
    return anchor
