"""Ends database sessions of ours that got a part of a batch (`core.sql`) and never its end, so that their locks go.

Story: a process that is stopped or frozen between two statements of a transaction keeps its row locks; PostgreSQL's
`idle_in_transaction_session_timeout` then ends its session. Within a batch whose end (Sync) has not arrived the session
counts as active instead, no timeout of a server before version 17 ends it, and everybody who wants the account
would wait for ever. Such a session is known by what it does: it is active and waits for its client. Invariant: nothing
that was committed is undone; whoever wakes up finds a lost connection, as after a restart of the server.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import connection

log = structlog.get_logger(__name__)

WAITED = timedelta(seconds=10)
"""As long as an idle transaction may (DATABASES): below the 15 s of a lease, so that a successor finds the way free."""

_END = """
SELECT pg_terminate_backend(pid), pid, query FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND application_name = current_setting('application_name')
  AND state = 'active' AND wait_event_type = 'Client' AND wait_event = 'ClientRead'
  AND xact_start IS NOT NULL AND state_change < clock_timestamp() - make_interval(secs => %s)
"""


def stuck_sessions_end(*, waited: timedelta = WAITED) -> int:
    """The number of sessions ended: same database, role and name as this one, for that long in an open batch.

    Nothing on SQLite, which has no sessions. Raises Django's database errors.
    """
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_END, [waited.total_seconds()])
        ended = [(pid, query) for is_signalled, pid, query in cursor.fetchall() if is_signalled]
    for pid, query in ended:
        log.error("stuck_session_ended", session=pid, statement=" ".join(query.split())[:120])
    return len(ended)
