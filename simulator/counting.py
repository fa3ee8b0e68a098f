"""Counts what clients ask of the server, for programs that compare clients."""

from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.machine import MACHINE
from simulator.prompt_queue import PromptQueue

COUNTS_PATH = "/simulator/requests"


@dataclass(kw_only=True)
class Counts:
    """Since the start, or since the last `reset`, over all restarts; the simulator's own routes don't count.

    `requests` counts by method and first part of the path, with and without /api alike. `committed_most` is the
    most prompts that ran and waited at one time, seen after each POST of one.
    """

    requests: Counter[str] = field(default_factory=Counter)
    sockets: int = 0
    sockets_most: int = 0
    committed_most: int = 0

    def asked(self, request: web.Request) -> None:
        """Count a request as it comes in."""
        self.requests[f"{request.method} /{_bare(request).split('/')[1]}"] += 1

    def opened(self) -> None:
        """A websocket was asked for."""
        self.sockets += 1
        self.sockets_most = max(self.sockets_most, self.sockets)

    def closed(self) -> None:
        """A websocket has ended."""
        self.sockets -= 1

    def committed(self, queue: PromptQueue) -> None:
        """Look at the queue after a prompt was posted."""
        self.committed_most = max(self.committed_most, len(queue.pending) + (queue.running is not None))

    def reset(self) -> None:
        """Count from here on; sockets that are open stay counted."""
        self.requests.clear()
        self.sockets_most = self.sockets
        self.committed_most = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Stands before everything, faults included: what is answered wrongly was asked all the same."""
        if _bare(request).startswith("/simulator/"):
            return await handler(request)
        self.asked(request)
        if _bare(request) == "/ws":
            self.opened()
            try:
                return await handler(request)
            finally:
                self.closed()
        response = await handler(request)
        if request.method == "POST" and _bare(request) == "/prompt":
            self.committed(request.app[MACHINE].queue)
        return response

    def routes(self) -> list[web.RouteDef]:
        """GET shows the counts, DELETE begins anew."""
        return [web.get(COUNTS_PATH, self._get), web.delete(COUNTS_PATH, self._delete)]

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "requests": dict(sorted(self.requests.items())),
                "sockets": self.sockets,
                "sockets_most": self.sockets_most,
                "committed_most": self.committed_most,
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self.reset()
        return web.Response(status=204)


def _bare(request: web.Request) -> str:
    """The path without the server's prefix and without /api."""
    path = request.path.removeprefix(request.app[MACHINE].settings.path_prefix)
    return path.removeprefix("/api") if path.startswith("/api/") else path
