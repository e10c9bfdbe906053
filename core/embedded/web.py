"""Daphne on its own Twisted-driven asyncio loop: the loop that everything else of the run lives on.

Importing this module installs Twisted's asyncio reactor, so only `manage.py run` does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from daphne.server import Server, twisted_loop
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

HANDSHAKE_S = 5
CLOSE_S = 1


class WebServer:
    """Serves `config.asgi` on 127.0.0.1:port and runs `main` beside it until `stop`."""

    def __init__(self, *, port: int, application_path: str) -> None:
        get_asgi_application()
        self._server = Server(
            application=import_string(application_path),
            endpoints=[f"tcp:port={port}:interface=127.0.0.1"],
            signal_handlers=False,
            verbosity=0,
            websocket_handshake_timeout=HANDSHAKE_S,
            application_close_timeout=CLOSE_S,
            server_name="courtside",
        )
        self.loop: asyncio.AbstractEventLoop = twisted_loop

    def run(self, main: Callable[[], Awaitable[None]]) -> None:
        """Blocks until `stop`. `main` is a coroutine function started on the same loop."""
        self.loop.create_task(main())  # type: ignore[arg-type]
        self._server.run()

    def stop(self) -> None:
        self._server.stop()
