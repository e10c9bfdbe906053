"""Where feeds put messages and the engine takes them: first in, first out, and in lock-step by stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from venues.types import Message


class Inbox:
    """Feeds append on the event loop; one consumer takes. `order` ranks streams for the lock-step's fixed order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Message]] = deque()
        self._ranks: dict[str, int] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def sink(self, stream: str) -> Callable[[Message], None]:
        """A sink for one stream; streams rank in the order in which their sinks were asked for."""
        rank = self._ranks.setdefault(stream, len(self._ranks))
        append, fill = self._waiting.append, self._filled.set

        def put(message: Message) -> None:
            append((rank, message))
            fill()

        return put

    async def arrival(self) -> None:
        """Return when there is something to take."""
        await self._filled.wait()

    def take(self, most: int) -> list[Message]:
        """Up to `most` messages in the order of their arrival."""
        taken = [self._waiting.popleft()[1] for _ in range(min(most, len(self._waiting)))]
        if not self._waiting:
            self._filled.clear()
        return taken

    def take_in_fixed_order(self) -> list[Message]:
        """All that is there: stream by stream, each in its own order, whatever came first over the sockets."""
        taken = sorted(self._waiting, key=lambda entry: entry[0])
        self._waiting.clear()
        self._filled.clear()
        return [message for _, message in taken]
