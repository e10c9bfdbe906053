"""What a person with the database's own password can do to the audit trail, each as it would really be done.

The forger knows how entries are hashed, lifts the triggers first and puts them back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from audit import triggers
from audit.hashing import HASHED, columns_hash
from audit.models import AuditEntry

ENTRY, HEAD = "audit_auditentry", "audit_auditchain"
Forge = Callable[[Path], None]


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@contextmanager
def lifted():
    triggers.remove(connection)
    yield
    triggers.install(connection)


def sql(*statements: str) -> Forge:
    """Plain statements under lifted triggers."""

    def forge(_anchors: Path) -> None:
        with lifted():
            for statement in statements:
                run(statement)

    return forge


def rechained(first: int) -> Forge:
    """Change entry `first` of 'a' and hash it and all after it anew, head included."""

    def forge(_anchors: Path) -> None:
        with lifted():
            run(f"UPDATE {ENTRY} SET payload = '{{}}' WHERE chain = 'a' AND seq = %s", first)
            rehash("a")

    return forge


def rehash(chain: str) -> None:
    last = ""
    for pk, *columns in AuditEntry.objects.filter(chain=chain).order_by("seq").values_list("pk", *HASHED):
        own = columns_hash((last, *columns[1:]))
        run(f"UPDATE {ENTRY} SET prev_hash = %s, hash = %s WHERE id = %s", last, own, pk)
        last = own
    run(f"UPDATE {HEAD} SET hash = %s WHERE name = %s", last, chain)


def inserted(_anchors: Path) -> None:
    """An entry that never was, between two that were; what follows moves up."""
    with lifted():
        run(f"UPDATE {ENTRY} SET seq = seq + 1001 WHERE chain = 'a' AND seq >= 3")
        run(f"UPDATE {ENTRY} SET seq = seq - 1000 WHERE chain = 'a' AND seq > 1000")
        before = AuditEntry.objects.get(chain="a", seq=2)
        forged = AuditEntry(chain="a", seq=3, actor="eve", kind="thing.done", payload="{}", prev_hash=before.hash)
        forged.hash = columns_hash(tuple(getattr(forged, name) for name in HASHED))
        forged.save()
        run(f"UPDATE {HEAD} SET seq = seq + 1 WHERE name = 'a'")


def doubled(_anchors: Path) -> None:
    """The same number twice: on a copy of the table, which lost the constraint."""
    with lifted():
        run(f"CREATE TABLE without_constraint AS SELECT * FROM {ENTRY}")
        run(f"DROP TABLE {ENTRY}")
        run(f"ALTER TABLE without_constraint RENAME TO {ENTRY}")
        columns = "uid, created_at, chain, seq, actor, kind, subject_type, subject_uid, payload, prev_hash, hash"
        run(f"INSERT INTO {ENTRY} (id, {columns}) SELECT id + 1000, {columns} FROM {ENTRY} WHERE chain='a' AND seq=3")


def take_copies() -> None:
    """The backup that `restored` brings back."""
    run(f"CREATE TABLE old_entries AS SELECT * FROM {ENTRY}")
    run(f"CREATE TABLE old_heads AS SELECT * FROM {HEAD}")


def restored(_anchors: Path) -> None:
    with lifted():
        for table, copy in ((ENTRY, "old_entries"), (HEAD, "old_heads")):
            run(f"DELETE FROM {table}")
            run(f"INSERT INTO {table} SELECT * FROM {copy}")


def disarmed(_anchors: Path) -> None:
    if connection.vendor == "postgresql":
        run(f"ALTER TABLE {ENTRY} DISABLE TRIGGER {ENTRY}_no_delete")
    else:
        run(f"DROP TRIGGER {ENTRY}_no_delete")


def hollowed(_anchors: Path) -> None:
    """The trigger is there, and does nothing."""
    name = f"{ENTRY}_no_delete"
    if connection.vendor == "postgresql":
        body = "BEGIN RETURN OLD; END"
        run("CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS %s", body)
    else:
        run(f"DROP TRIGGER {name}")
        run(f"CREATE TRIGGER {name} BEFORE DELETE ON {ENTRY} BEGIN SELECT 1; END")


def anchors_dropped(anchors: Path) -> None:
    anchors.unlink()


def anchors_cut(anchors: Path) -> None:
    """Entries and the last line of the file go together."""
    anchors.write_bytes(b"".join(anchors.read_bytes().splitlines(keepends=True)[:-1]))
    cut_tail(anchors)


def anchors_edited(anchors: Path) -> None:
    anchors.write_bytes(anchors.read_bytes().replace(b"guard started", b"guard sTarted", 1))


_emptied = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
cut_tail = sql(
    f"DELETE FROM {ENTRY} WHERE chain = 'a' AND seq > 5",
    f"UPDATE {HEAD} SET seq = 5, hash = (SELECT hash FROM {ENTRY} WHERE chain = 'a' AND seq = 5) WHERE name = 'a'",
)

S_20: dict[str, tuple[Forge, str]] = {
    "edit": (
        sql(f"UPDATE {ENTRY} SET payload = '{{}}' WHERE chain = 'a' AND seq = 3"),
        "Entry 3 of 'a' (thing.done by ann",
    ),
    "delete in the middle": (sql(f"DELETE FROM {ENTRY} WHERE chain = 'a' AND seq = 3"), "Entry 3 of 'a' is absent"),
    "delete the tail": (cut_tail, "The anchors are ahead of 'a': they know entry 6"),
    "insert": (inserted, "Entry 4 of 'a'"),
    "reorder": (
        sql(
            f"UPDATE {ENTRY} SET seq = 1000 WHERE chain = 'a' AND seq = 4",
            f"UPDATE {ENTRY} SET seq = 4 WHERE chain = 'a' AND seq = 3",
            f"UPDATE {ENTRY} SET seq = 3 WHERE chain = 'a' AND seq = 1000",
        ),
        "Entry 3 of 'a'",
    ),
    "chain all anew": (rechained(1), "Entry 4 of 'a' (thing.done by ann"),
    "swap chains": (
        sql(
            *(
                f"UPDATE {table} SET {name} = {new} WHERE {name} = {old}"
                for table, name in ((ENTRY, "chain"), (HEAD, "name"))
                for old, new in (("'a'", "'c'"), ("'b'", "'a'"), ("'c'", "'b'"))
            )
        ),
        "Entry 1 of 'a'",
    ),
    "change a time": (
        sql(f"UPDATE {ENTRY} SET created_at = '2020-01-01 00:00:00+00:00' WHERE chain = 'a' AND seq = 3"),
        "Entry 3 of 'a'",
    ),
    "a number twice": (doubled, "Entry 3 of 'a'"),
    "restore an older copy": (restored, "The anchors are ahead of 'a': they know entry 6"),
    "disable a trigger": (disarmed, f"{ENTRY}_no_delete is absent or disabled"),
    "drop the anchors": (anchors_dropped, "is not here: it was removed"),
}
MORE: dict[str, tuple[Forge, str]] = {
    "chain the last entries anew": (rechained(6), "Entry 6 of 'a' (thing.done by ann"),
    "remove a whole chain": (
        sql(f"DELETE FROM {ENTRY} WHERE chain = 'a'", f"DELETE FROM {HEAD} WHERE name = 'a'"),
        "The anchors are ahead of 'a': they know entry 6",
    ),
    "empty everything": (sql(f"{_emptied} {ENTRY}", f"{_emptied} {HEAD}"), "The anchors are ahead of 'b'"),
    "set a head back": (
        sql(f"UPDATE {HEAD} SET seq = 6, hash = (SELECT hash FROM {ENTRY} WHERE chain = 'a' AND seq = 6) "
            "WHERE name = 'a'"),
        "Entry 7 of 'a' is there, but its head says that the chain ends at 6",
    ),
    "hollow a trigger out": (hollowed, f"{ENTRY}_no_delete is absent or disabled"),
    "cut the anchors with the tail": (anchors_cut, "the file was cut or replaced"),
    "edit the anchors": (anchors_edited, "the file was changed"),
}  # fmt: skip
