"""A router whose routes are made when a request first needs them."""

from collections.abc import Callable, Iterable
from threading import Lock

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class PathPrefixes:
    """Finds the paths that are one of the prefixes or below one, by whole segments."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._paths = frozenset(prefixes)
        self._folders = tuple(f"{prefix}/" for prefix in self._paths)

    def cover(self, path: str) -> bool:
        """Return whether the path is a prefix or below one."""
        return path in self._paths or path.startswith(self._folders)


class DeferredRouter(APIRouter):
    """The routes below some prefixes; it has none until `load` calls `add_routes` with it.

    It is included in an app like another router. FastAPI notices the routes that come later.
    """

    def __init__(self, prefixes: Iterable[str], add_routes: Callable[[APIRouter], None]) -> None:
        super().__init__()
        self._prefixes = PathPrefixes(prefixes)
        self._add_routes = add_routes
        self._lock = Lock()
        self.is_loaded = False

    def covers(self, path: str) -> bool:
        """Return whether a route of the router may have this path."""
        return self._prefixes.cover(path)

    def load(self) -> None:
        """Add the routes, once. Blocks; raises what `add_routes` raises."""
        with self._lock:
            if not self.is_loaded:
                self._add_routes(self)
                self._mark_routes_changed()
                self.is_loaded = True

    def clear(self) -> None:
        """Remove all routes."""
        # FastAPI notices a higher sum of the versions of this router and of those inside
        version = self._get_routes_version()
        self.routes.clear()
        self._routes_version = version + 1

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the request with a route; one outside the prefixes is not compared with each."""
        if not self._prefixes.cover(scope["path"]):
            return Match.NONE, {}
        return super().matches(scope)
