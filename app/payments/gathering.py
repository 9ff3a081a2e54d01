"""Owns doing together what is asked at the same time: while one call is under way, whoever comes goes in the next one.

Nobody waits on a timer: what comes while nothing is under way is done at once, alone. Knows neither money nor HTTP.
"""

from __future__ import annotations

from asyncio import create_task, get_running_loop
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Awaitable, Callable, Sequence

Asked = TypeVar("Asked")
Found = TypeVar("Found")


class Gathering(Generic[Asked, Found]):
    """One call at a time, on the event loop where it is used.

    Args:
        do: what came of each, in their order. Must not raise, or those who wait would wait forever.
        most: in one call, so that the price of a call is shared by many, and none of them waits for long.
    """

    def __init__(self, do: Callable[[Sequence[Asked]], Awaitable[Sequence[Found]]], *, most: int) -> None:
        self._do = do
        self._most = most
        self._waiting: deque[tuple[Asked, Future[Found]]] = deque()
        self._doing: Task[None] | None = None

    async def ask(self, asked: Asked) -> Found:
        """What the next call says of this. Who is cancelled meanwhile has it done all the same."""
        outcome: Future[Found] = get_running_loop().create_future()
        self._waiting.append((asked, outcome))
        if self._doing is None or self._doing.done():
            self._doing = create_task(self._do_what_waits())
        return await outcome

    async def stop(self) -> None:
        """Return when everything that was asked before is done."""
        if self._doing is not None:
            await self._doing

    async def _do_what_waits(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
            found = await self._do([asked for asked, _ in group])
            for (_, outcome), each in zip(group, found, strict=True):
                if not outcome.done():  # who asked may be gone
                    outcome.set_result(each)
