"""Whoever changes the audit trail is found, also who can lift the triggers and hash like us (SECURITY S-20)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from audit import triggers
from audit.anchors import FILE_NAME, AnchorFile, read_anchors
from audit.selectors import audit_verify
from audit.services import audit_append
from audit.services_anchors import anchor_write, anchors_accept
from tests.audit import forgery

pytestmark = pytest.mark.django_db


def append(chain: str, entries: int) -> None:
    for number in range(entries):
        audit_append(chain=chain, actor="ann", kind="thing.done", payload={"number": number})


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    """Chains 'a' and 'b', both anchored at 4 and at 6, 'a' one entry longer; a backup of the time between."""
    path = tmp_path / FILE_NAME
    triggers.install(connection)
    append("a", 4)
    append("b", 4)
    anchor_write(file=AnchorFile(path), why="guard started", actor="guard")
    forgery.take_copies()
    append("a", 2)
    append("b", 2)
    anchor_write(file=AnchorFile(path), why="guard stopped", actor="guard")
    append("a", 1)
    return path


def findings(anchors: Path, forge: forgery.Forge) -> list[str]:
    """What is found after a forgery, which is undone again."""
    kept = anchors.read_bytes()
    try:
        with transaction.atomic():
            forge(anchors)
            found = audit_verify([anchors])
            raise Undone
    except Undone:
        anchors.write_bytes(kept)
    return found


class Undone(Exception):
    pass


def test_every_tampering_is_found_and_its_first_row_named(anchors: Path, capsys: pytest.CaptureFixture[str]):
    found = {
        name: any(sentence in problem for problem in findings(anchors, forge))
        for name, (forge, sentence) in (forgery.S_20 | forgery.MORE).items()
    }
    assert [name for name, is_found in found.items() if not is_found] == []
    assert audit_verify([anchors]) == [], "every forgery was undone"
    with capsys.disabled():
        print(f"\nS-20: {sum(found[name] for name in forgery.S_20)}/{len(forgery.S_20)} tampers found, "
              f"{sum(found[name] for name in forgery.MORE)}/{len(forgery.MORE)} more.")  # fmt: skip


def test_a_restored_backup_shows_until_a_person_says_why_and_stays_on_record(anchors: Path, capsys):
    forgery.restored(anchors)
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit", anchors=[anchors])
    told = capsys.readouterr().err
    assert stop.value.code == 2
    assert "The anchors are ahead of 'a': they know entry 6 (line 2 of audit.anchors" in told and "--accept" in told
    append("a", 5)
    assert "is not the one that was anchored" in audit_verify([anchors])[0], "growing past the anchor hides nothing"
    call_command("verify_audit", anchors=[anchors], accept="the disk died")
    assert "set aside on" in capsys.readouterr().out
    append("a", 1)
    anchor_write(file=AnchorFile(anchors), why="period", actor="guard")
    assert audit_verify([anchors]) == []
    forgery.cut_tail(anchors)
    assert "ahead of 'a'" in audit_verify([anchors])[0], "what comes after the acceptance is held as before"


def test_new_anchors_after_lost_ones_need_a_persons_word_too(anchors: Path):
    anchors.unlink()
    anchor_write(file=AnchorFile(anchors), why="guard started", actor="guard")
    [problem] = audit_verify([anchors])
    assert "is not here: it was removed" in problem
    anchors_accept(file=AnchorFile(anchors), reason="the disk died", actor="op")
    assert audit_verify([anchors]) == []


def test_a_line_tells_only_what_moved_and_a_torn_one_was_never_written(anchors: Path):
    file = AnchorFile(anchors)
    anchors.write_bytes(anchors.read_bytes() + b'{"line":3,"fi')
    assert len(read_anchors(anchors)) == 2
    line = anchor_write(file=file, why="period", actor="guard")
    other = anchor_write(file=AnchorFile(anchors), why="trader stopped", actor="trader")
    again = anchor_write(file=file, why="period", actor="guard")
    assert [sorted(one.heads) for one in (line, other, again)] == [["a", line.chain], [line.chain], [line.chain]]
    assert [one.line for one in read_anchors(anchors)] == [1, 2, 3, 4, 5]
    assert audit_verify([anchors]) == []
