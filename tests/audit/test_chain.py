"""The chain finds what was changed, removed, added or moved; the database refuses to do it in the first place."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit import triggers
from audit.checks import check_triggers
from audit.models import AuditEntry
from audit.services import audit_append, canonical_json, chain_names, chain_verify

pytestmark = pytest.mark.django_db

TABLE = triggers.TABLE


@pytest.fixture
def chain() -> str:
    for number in range(5):
        audit_append(chain="c", actor="ann", kind="thing.done", payload={"b": number, "a": 1})
    return "c"


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_chain_that_nobody_touched_verifies(chain):
    assert chain_verify(chain) is None
    assert chain_names() == ["c"]
    assert list(AuditEntry.objects.values_list("seq", flat=True)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE {t} SET payload = '{{}}' WHERE seq = 3",
        "UPDATE {t} SET actor = 'bob' WHERE seq = 3",
        "UPDATE {t} SET created_at = '2020-01-01 00:00:00+00:00' WHERE seq = 3",
        "UPDATE {t} SET kind = 'thing.undone' WHERE seq = 5",
        "DELETE FROM {t} WHERE seq = 3",
        "DELETE FROM {t} WHERE seq = 5",
        "DELETE FROM {t} WHERE seq = 1",
        "UPDATE {t} SET seq = 6 WHERE seq = 5",
        "UPDATE {t} SET chain = 'd' WHERE seq = 5",
        "UPDATE {t} SET hash = prev_hash WHERE seq = 5",
    ],
)
def test_every_tampering_is_found(chain, tamper):
    run(tamper.format(t=TABLE))
    assert chain_verify(chain) is not None


def test_the_triggers_refuse_change_and_removal(chain):
    triggers.install(connection)
    assert check_triggers(None, databases=["default"]) == []
    for sql in (f"UPDATE {TABLE} SET actor = 'bob'", f"DELETE FROM {TABLE}"):
        with pytest.raises(DatabaseError), transaction.atomic():
            run(sql)
    audit_append(chain="c", actor="ann", kind="thing.done")
    assert chain_verify("c") is None


def test_lost_triggers_are_reported_and_made_again():
    assert [problem.id for problem in check_triggers(None, databases=["default"])] == ["audit.E001"]
    triggers.install_after_migrate(using="default")
    assert check_triggers(None, databases=["default"]) == []
    triggers.install(connection)


def test_an_entry_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError):
        audit_append(chain="c", actor="ann", kind="thing.done")


def test_the_payload_is_canonical():
    assert canonical_json({"b": 1, "a": {"d": 2, "c": 3}}) == '{"a":{"c":3,"d":2},"b":1}'


def test_the_command_exits_with_two_on_a_broken_chain(chain, capsys):
    call_command("verify_audit")
    run(f"DELETE FROM {TABLE} WHERE seq = 2")
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit")
    assert stop.value.code == 2
    assert "absent" in capsys.readouterr().err
