"""Starting over removes all of a run or, where the database is elsewhere, nothing."""

from __future__ import annotations

from tests.core.test_settings import start

RESET = "import django; django.setup(); from core.embedded.setup import clear_data_dir, data_dir; "
RESET += "clear_data_dir(data_dir())"


def test_a_reset_is_refused_while_the_database_is_elsewhere_and_removes_nothing(tmp_path):
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"
    (tmp_path / "credentials.key").write_text("key")
    done = start(tmp_path, "-c", RESET, DATABASE_URL=elsewhere)
    assert "RunRefused: --reset starts over in the data folder, but DATABASE_URL" in done.stderr
    assert (tmp_path / "credentials.key").read_text() == "key"


def test_a_reset_of_a_run_of_its_own_leaves_only_the_lock(tmp_path):
    for name in ("credentials.key", "courtside.sqlite3", "run.lock"):
        (tmp_path / name).touch()
    (tmp_path / "tapes").mkdir()
    done = start(tmp_path, "-c", RESET)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]
