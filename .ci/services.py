"""Exit 0 when PostgreSQL and Redis both answer on loopback, after starting them where Debian knows how."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import time

import psycopg
import redis

DATABASE_URL = os.environ.get("CI_DATABASE_URL", "postgres://root@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("CI_REDIS_URL", "redis://127.0.0.1:6379/15")


def postgres_answers() -> bool:
    try:
        psycopg.connect(DATABASE_URL, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def redis_answers() -> bool:
    try:
        return bool(redis.Redis.from_url(REDIS_URL, socket_timeout=2).ping())
    except redis.RedisError:
        return False


def start(*command: str) -> None:
    if shutil.which(command[0]):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def main() -> int:
    if not postgres_answers() and (versions := glob.glob("/etc/postgresql/*")):
        start("pg_ctlcluster", "--skip-systemctl-redirect", os.path.basename(versions[0]), "main", "start")
    if not redis_answers():
        start("redis-server", "--daemonize", "yes", "--bind", "127.0.0.1", "--port", "6379", "--save", "")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if postgres_answers() and redis_answers():
            return 0
        time.sleep(0.5)
    return 1


if __name__ == "__main__":
    sys.exit(main())
