"""`manage.py guard`: watches the trader from outside and takes the right to trade away when it must."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from trading.engine.guarding import watch


class Command(BaseCommand):
    help = "Pause trading when the trader falls silent; halt it when a KILL file lies in the data folder."

    def handle(self, **_options: Any) -> None:
        asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked.set())
        watch(asked)
