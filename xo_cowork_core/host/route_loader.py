"""Loads the routes of families and plugins after the start: the import of all takes some 100 ms.

A request waits for the routes that it needs, which are made in a thread. `warm_up` makes those of
first requests and imports the others; the server owns its task.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from xo_cowork_core.api.deferred_router import DeferredRouter
from xo_cowork_core.host.plugins.routes import check_document, check_schemas
from xo_cowork_core.services.runtimes.plugin_record import PluginError


class IncludedRouter(NamedTuple):
    """A router in the app: `tag` is the name of its family or plugin, `route` its place there."""

    tag: str
    router: DeferredRouter
    route: BaseRoute

    def load(self) -> None:
        """Make the routes. Blocks."""
        self.router.load()

    def check_document(self) -> None:
        """Empty the router and raise PluginError when its routes can't be documented. Blocks."""
        try:
            check_schemas([self.router])
        except PluginError:
            self.router.clear()
            raise

    def build(self) -> None:
        """Make the routes, and what FastAPI needs to serve them: 1 ms each. Blocks."""
        self.router.load()
        for _ in iter_route_contexts([self.route]):
            pass


class RouteLoader:
    """Includes deferred routers in one app and loads each once.

    `fail_plugin` gets the name of a plugin whose routes are refused, and the reason.
    """

    def __init__(
        self, app: FastAPI, fail_plugin: Callable[[str, PluginError], Awaitable[None]]
    ) -> None:
        self._app = app
        self._fail_plugin = fail_plugin
        self._document_lock = asyncio.Lock()
        self._has_document = False
        self._plugins: list[IncludedRouter] = []
        self._unbuilt: tuple[IncludedRouter, ...] = ()

    def include(self, tag: str, router: DeferredRouter, *, of_plugin: bool = False) -> None:
        """Add a router after the others."""
        self._app.include_router(router, tags=[tag])
        included = IncludedRouter(tag, router, self._app.router.routes[-1])
        if of_plugin:
            self._plugins.append(included)
        self._unbuilt = (*self._unbuilt, included)

    def load_all(self) -> None:
        """Make all routes. Blocks; raises PluginError."""
        for included in self._unbuilt:
            included.load()

    async def load_all_async(self) -> None:
        """Make all routes without blocking the event loop."""
        for included in self._unbuilt:
            if not included.router.is_loaded:
                await self._run(included, included.load)

    async def prepare(self, path: str) -> None:
        """Make and build the routes that a request for `path` needs."""
        for included in self._unbuilt:
            if included.router.covers(path):
                await self._build(included)

    async def prepare_document(self) -> None:
        """Make the OpenAPI document, which FastAPI would make on the event loop.

        Plugins whose routes it can't be made of are failed, and their routes are left out.
        """
        async with self._document_lock:
            if not self._has_document:
                await self.load_all_async()
                await self._make_document()
                self._has_document = True

    async def warm_up(self, first: tuple[str, ...]) -> None:
        """Build the routers with the tags `first`, load the others, one at a time."""
        for included in self._unbuilt:
            if included.tag in first:
                await self._build(included)
        await self.load_all_async()

    async def _make_document(self) -> None:
        try:
            await asyncio.to_thread(check_document, self._app)
        except Exception:  # noqa: BLE001 - what a plugin's schemas raise
            for included in self._plugins:
                await self._run(included, included.check_document)
            self._app.openapi_schema = None
            await asyncio.to_thread(check_document, self._app)

    async def _build(self, included: IncludedRouter) -> None:
        await self._run(included, included.build)
        self._unbuilt = tuple(each for each in self._unbuilt if each is not included)

    async def _run(self, included: IncludedRouter, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except PluginError as error:
            await self._fail_plugin(included.tag, error)
