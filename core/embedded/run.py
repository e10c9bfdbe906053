"""`run_embedded`: set up, start the parts on the web server's loop, tell the user where to look, stop cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import NoReturn

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from core.broadcast import register_server_loop, send_async
from core.consumers import PAGES_GROUP
from core.embedded import setup
from core.embedded.parts import Part, RunContext, RunOptions, RunRefused
from core.embedded.startable import require_startable
from core.embedded.supervisor import Supervisor
from core.logs import log_to_file

log = structlog.get_logger(__name__)

LOG_NAME = "run.log"
GIL_SWITCH_S = 0.0005  # a busy thread gives way this soon: keeps pages quick while the worker computes


def run_embedded(options: RunOptions, *, reset: bool) -> None:
    """Blocks until Ctrl-C, SIGTERM or, with `exit_at_end`, the end of the replay. Raises RunRefused."""
    setup.require_free_port(options.port)
    if options.tape is not None:
        import_string(settings.EMBEDDED_TAPE_CHECK)(options.tape)
    lock = setup.lock_data_dir(options.data_dir)
    try:
        require_startable(options, reset=reset)
        if reset:
            setup.clear_data_dir(options.data_dir)
        log_to_file(options.data_dir / LOG_NAME, console_level="WARNING")
        setup.prepare_database()
        setup.prepare_static_files()
        serve(options)
    finally:
        lock.close()
    _leave()


def serve(options: RunOptions) -> None:
    """Start the parts beside the web server and block until they have stopped. Raises what a part's start raises."""
    _Run(options).serve()


def _leave() -> NoReturn:
    """End now: every part has stopped and written what it had. Taking the interpreter apart would need seconds more."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Run:
    """One life of the process: from the first part's start to the last part's stop."""

    def __init__(self, options: RunOptions) -> None:
        from core.embedded.web import WebServer

        sys.setswitchinterval(GIL_SWITCH_S)
        self._context = RunContext(options, end=self._ask_to_stop)
        self._login = import_string(settings.EMBEDDED_LOGIN)(options.data_dir)
        self._web = WebServer(port=options.port, application_path=settings.ASGI_APPLICATION)
        self._stop_asked = asyncio.Event()
        self._failure: Exception | None = None

    def serve(self) -> None:
        """Raises what a part's start has raised, after everything was stopped."""
        self._web.run(self._main)
        if self._failure is not None:
            raise self._failure

    def _ask_to_stop(self) -> None:
        self._stop_asked.set()

    async def _main(self) -> None:
        register_server_loop(self._web.loop)
        for number in (signal.SIGINT, signal.SIGTERM):
            self._web.loop.add_signal_handler(number, self._ask_to_stop)
        supervisor = Supervisor([self._build(path) for path in settings.EMBEDDED_PARTS])
        try:
            self._greet()
            await self._start_unless_asked(supervisor)
            await self._stop_asked.wait()
            print("Stopping ...", flush=True)
        except RunRefused as refusal:
            self._failure = refusal
        except Exception as failure:  # the supervisor's seam: the loop would only warn, and the run would seem well
            log.exception("run_failed")
            self._failure = failure
        finally:
            await self._stop(supervisor)

    async def _start_unless_asked(self, supervisor: Supervisor) -> None:
        """Start the parts; a wish to stop ends this too. Raises what a part's start raises."""
        starting = asyncio.create_task(supervisor.start(), name="start")
        asked = asyncio.create_task(self._stop_asked.wait(), name="stop-asked")
        await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not starting.done():
            starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting

    async def _stop(self, supervisor: Supervisor) -> None:
        """The pages are told first, but whether they can be or not, the parts and the server stop."""
        try:
            await send_async(PAGES_GROUP, "live.stopping", {})
        except Exception:  # the supervisor's seam: a hint stops nobody from stopping
            log.exception("stop_not_told")
        try:
            await supervisor.stop()
        finally:
            self._web.stop()

    def _build(self, path: str) -> Part:
        part: Part = import_string(path)(self._context)
        return part

    def _greet(self) -> None:
        """The two lines that people and scripts look for, and what will be missing."""
        if trouble := setup.redis_trouble():
            print(
                f"REDIS_URL does not answer ({trouble}): trading goes on, but nobody can sign in, pages stand still "
                "and alerts wait until it does. Start that Redis, or unset REDIS_URL: this run needs none.",
                flush=True,
            )
        print(f"URL: http://127.0.0.1:{self._context.options.port}/", flush=True)
        print(f"Demo login: {self._login.email}  Password: {self._login.password}", flush=True)
