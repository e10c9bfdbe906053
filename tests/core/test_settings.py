"""Settings refuse what must not run, each in a process of its own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from trading.services.lease import LEASE

ROOT = Path(__file__).resolve().parents[2]


PRINT_HASHER = "from django.conf import settings; print(settings.PASSWORD_HASHERS[0])"
PRINT_FOLDER = "from django.conf import settings; print(settings.DATA_DIR)"
PRINT_MODE = "import django; django.setup(); from django.conf import settings; print(settings.TRADING_MODE)"


def start(tmp_path: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Python with this command, or printing the mode, in an environment of nothing but `env`."""
    given = command or ("-c", PRINT_MODE)
    base = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "COURTSIDE_DATA_DIR": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, *given], cwd=ROOT, env={**base, **env}, capture_output=True, text=True, timeout=60
    )


def test_an_empty_environment_starts_simulated_with_a_secret_of_its_own(tmp_path):
    done = start(tmp_path)
    assert done.stdout.strip() == "simulated", done.stderr
    secret = tmp_path / "secret.key"
    assert len(secret.read_text()) >= 50
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_passwords_are_kept_by_argon2(tmp_path):
    assert start(tmp_path, "-c", PRINT_HASHER).stdout.strip() == "django.contrib.auth.hashers.Argon2PasswordHasher"


@pytest.mark.parametrize(
    "env",
    [
        {"COURTSIDE_ENV": "production"},
        {"COURTSIDE_ENV": "production", "SECRET_KEY": "short"},
        {"COURTSIDE_ENV": "production", "SECRET_KEY": "x" * 60, "DEBUG": "1"},
        {"COURTSIDE_ENV": "production", "SECRET_KEY": "x" * 60},
        {"TRADING_MODE": "yolo"},
        {"COURTSIDE_ENV": "prod"},
        {"LIVE_TRADING_ALLOWED": "yess"},
        {"JWT_ACCESS_SECONDS": "15 minutes"},
        {"SIMULATOR_PORT": "eight"},
        {"LOG_LEVEL": "loud"},
        {"DATABASE_URL": "garbage"},
        {"DATABASE_URL": "mysql://ann:geheim@127.0.0.1/courtside"},
    ],
)
def test_what_is_not_safe_is_refused_with_a_sentence(tmp_path, env):
    done = start(tmp_path, **env)
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr.splitlines()[-1]


def test_a_database_url_that_cannot_be_read_is_not_repeated(tmp_path):
    assert "geheim" not in start(tmp_path, DATABASE_URL="mysql://ann:geheim@127.0.0.1/courtside").stderr


def test_a_command_says_it_in_one_line_and_exits_with_two(tmp_path):
    done = start(tmp_path, "manage.py", "check", JWT_REFRESH_SECONDS="a day")
    assert (done.returncode, done.stderr) == (2, "JWT_REFRESH_SECONDS is 'a day'; it must be a whole number.\n")


def test_the_example_as_it_is_starts_like_an_empty_environment(tmp_path):
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    empty = dict.fromkeys(example, "")
    for env in (example, empty):
        done = start(tmp_path, "manage.py", "check", **{**env, "COURTSIDE_DATA_DIR": str(tmp_path)})
        assert done.returncode == 0, done.stderr


def test_a_data_folder_is_named_from_the_project_and_empty_means_var(tmp_path):
    for given in ("var", ""):
        done = start(tmp_path, "-c", PRINT_FOLDER, COURTSIDE_DATA_DIR=given, SECRET_KEY="x" * 60)
        assert done.stdout.strip() == str(ROOT / "var"), done.stderr


def test_a_production_like_deployment_has_nothing_unsafe(tmp_path):
    done = start(
        tmp_path,
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        COURTSIDE_ENV="production",
        SECRET_KEY="3fJ!q0zW-7vKp_Rt2mXc9sLd8yBgHn4aUe6iOw1QkTjVxZr5EoMbNuCf",
        CREDENTIALS_KEY="MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        ALLOWED_HOSTS="courtside.example",
    )
    assert done.returncode == 0, done.stderr


PRINT_SYNC = (
    "import django; django.setup(); from django.db import connection; "
    "print(connection.cursor().execute('PRAGMA synchronous').fetchone()[0])"
)


def test_a_commit_to_sqlite_survives_the_machine(tmp_path):
    """2 is FULL: what was claimed before a send is still there after a power cut."""
    done = start(tmp_path, "-c", PRINT_SYNC)
    assert done.stdout.strip() == "2", done.stderr


PRINT_OPTIONS = "from django.conf import settings; print(sorted(settings.DATABASES['default']['OPTIONS']))"


@pytest.mark.parametrize(
    ("prepare_after", "own"),
    [
        ("1", ["application_name", "options", "prepare_threshold", "sslmode"]),
        ("0", ["application_name", "sslmode"]),
    ],
)
def test_what_the_database_url_asks_for_is_kept(tmp_path, prepare_after, own):
    url = "postgres://ann@db.example/courtside?sslmode=verify-full"
    done = start(tmp_path, "-c", PRINT_OPTIONS, DATABASE_URL=url, DATABASE_PREPARE_AFTER=prepare_after)
    assert done.stdout.strip() == str(own), done.stderr


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a server's own setting")
def test_a_process_stopped_in_a_transaction_lets_its_locks_go_before_its_lease_runs_out(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
        (given_ms,) = cursor.fetchone()
    assert 0 < given_ms < LEASE.total_seconds() * 1_000
