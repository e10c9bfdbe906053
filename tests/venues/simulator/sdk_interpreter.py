"""Runs a session script with a venue's own SDK in the interpreter that has it, against the whole simulator.

The SDKs pin other versions of our libraries, so each lives in a virtual environment of its own; an environment variable
names its Python. Without it the test is skipped: Courtside itself needs no SDK.
"""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import httpx
import pytest

from venues.simulator.simulator import Simulator

SCRIPTS = Path(__file__).parent / "sdk_scripts"
DEADLINE_S = 180


def interpreter(variable: str, package: str) -> str:
    """The Python that has the SDK; skips the test where none is named."""
    python = os.environ.get(variable, "")
    if not python:
        pytest.skip(f"{variable} names no Python with {package}: see CONTRIBUTING.md")
    return python


async def open_account(simulator: Simulator, **wish: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=simulator.endpoints.control) as client:
        reply = await client.post("/accounts", json=wish)
    assert reply.status_code == 201, reply.text
    account: dict[str, Any] = reply.json()
    return account


async def run_session(python: str, script: str, task: dict[str, Any]) -> dict[str, Any]:
    """The script's report. Fails with the script's own traceback."""
    process = await asyncio.create_subprocess_exec(python, SCRIPTS / script, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        out, err = await asyncio.wait_for(process.communicate(json.dumps(task).encode()), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, err.decode()
    report: dict[str, Any] = json.loads(out)
    return report
