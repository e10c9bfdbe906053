"""A trader process that is not one: tasks with a mark, which end together without a word when it is killed.

Everything a process does to the world goes through a port (database, HTTP, socket, kill point); every port asks the
mark first. Invariant: nothing of a dead process reaches a port, and while it is paused nothing leaves or comes in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from types import SimpleNamespace
from typing import Any, Protocol

from core.kill_points import Crash
from tests.swapped import swapped
from trading.services import lease

CURRENT: ContextVar[Process | None] = ContextVar("process", default=None)


class Line(Protocol):
    """Something that breaks when the process at its end dies."""

    def cut(self) -> None: ...


class Process:
    """`name` is the host it runs on; a restart is another Process on the same host."""

    def __init__(self, name: str, *, on_death: Callable[[Process, str], None]) -> None:
        self.name = name
        self.is_dead = False
        self.lines: set[Line] = set()
        self.tasks: list[asyncio.Task[Any]] = []
        self.paused_until_s = 0.0
        self._on_death = on_death

    def start(self, main: Coroutine[Any, Any, None]) -> None:
        context = copy_context()
        context.run(CURRENT.set, self)
        asyncio.get_running_loop().create_task(main, context=context)

    def pause(self, seconds: float) -> None:
        """Stand still, as after SIGSTOP: what was on its way in or out waits."""
        self.paused_until_s = asyncio.get_running_loop().time() + seconds

    def crash(self, where: str) -> None:
        """SIGKILL, here and now. Raises Crash where the code of the process itself was running."""
        if not self.is_dead:
            self.is_dead = True
            for line in sorted(self.lines, key=lambda line: line.__class__.__name__ + str(getattr(line, "number", 0))):
                line.cut()
            asyncio.get_running_loop().call_soon(self._bury, context=None)
            self._on_death(self, where)

    def _bury(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.tasks.clear()

    async def turn(self) -> None:
        """Before and after anything from outside: wait for the end of a pause. Raises Crash in a dead process."""
        loop = asyncio.get_running_loop()
        while not self.is_dead and loop.time() < self.paused_until_s:  # noqa: ASYNC110
            await asyncio.sleep(self.paused_until_s - loop.time())
        self.check()

    def check(self) -> None:
        if self.is_dead:
            raise Crash(self.name)


def mark_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let every process know its tasks."""

    def make(loop: asyncio.AbstractEventLoop, work: Any, *, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
        process = context.get(CURRENT) if context is not None else CURRENT.get()
        if process is not None:
            process.tasks.append(task)
        return task

    loop.set_task_factory(make)


class Threads:
    """What a process hands to its database threads: each executor does one thing after the other, and remembers for
    which epochs it writes, as a thread of its own would."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        run: Callable[[Callable[[], Any]], Any],
        latency_s: Callable[[], float],
    ) -> None:
        self._loop = loop
        self._run = run
        self._latency_s = latency_s
        self._queues: dict[Executor | None, deque[tuple[Callable[[], Any], asyncio.Future[Any], Process | None]]] = {}
        self._locals: dict[Executor | None, SimpleNamespace] = {}

    def offload(self, executor: Executor | None, work: Callable[[], Any]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        queue = self._queues.setdefault(executor, deque())
        queue.append((work, future, CURRENT.get()))
        if len(queue) == 1:
            self._later(executor)
        return future

    def _later(self, executor: Executor | None) -> None:
        process = self._queues[executor][0][2]
        wait_s = max(0.0, process.paused_until_s - self._loop.time()) if process is not None else 0.0
        self._loop.call_later(wait_s + self._latency_s(), self._next, executor, context=_context_of(process))

    def _next(self, executor: Executor | None) -> None:
        queue = self._queues[executor]
        work, future, process = queue[0]
        if process is not None and not process.is_dead and self._loop.time() < process.paused_until_s:
            self._later(executor)
            return
        queue.popleft()
        with swapped(lease, "_bound", self._locals.setdefault(executor, SimpleNamespace())):
            self._work(work, future, process)
        if queue:
            self._later(executor)

    def _work(self, work: Callable[[], Any], future: asyncio.Future[Any], process: Process | None) -> None:
        """The answer to a process that died meanwhile reaches nobody; work once begun is done though nobody waits."""
        try:
            if process is not None:
                process.check()
            result, error = self._run(work), None
        except BaseException as problem:
            result, error = None, problem
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _context_of(process: Process | None) -> Any:
    context = copy_context()
    context.run(CURRENT.set, process)
    return context
