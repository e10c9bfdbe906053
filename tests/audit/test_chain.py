"""The chain finds what was changed, removed, added or moved, wherever it was."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from audit import triggers
from audit.hashing import canonical_json
from audit.models import AuditEntry
from audit.selectors import chain_names, chain_verify
from audit.services import audit_append

pytestmark = pytest.mark.django_db


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
    run(tamper.format(t=triggers.TABLE))
    assert chain_verify(chain) is not None


def test_an_entry_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError):
        audit_append(chain="c", actor="ann", kind="thing.done")


def test_the_payload_is_canonical():
    assert canonical_json({"b": 1, "a": {"d": 2, "c": 3}}) == '{"a":{"c":3,"d":2},"b":1}'


def test_the_command_exits_with_two_on_a_broken_chain_and_says_what_to_do(chain, capsys, tmp_path):
    triggers.install(connection)
    call_command("verify_audit", anchors=[tmp_path / "none"])
    assert "There is no anchor yet" in capsys.readouterr().out
    triggers.remove(connection)
    run(f"DELETE FROM {triggers.TABLE} WHERE seq = 2")
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit", anchors=[tmp_path / "none"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "Entry 2 of 'c' is absent" in told and "Stop trading (manage.py halt)" in told
