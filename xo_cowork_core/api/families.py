"""The table of route families, and the host's look-ups in it.

Middleware, the claims of plugins and the tags of the OpenAPI document are derived from this table.
The order is the order of the routes.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from xo_cowork_core.api.agents.routes import FAMILY as AGENTS
from xo_cowork_core.api.chat.routes import FAMILY as CHAT
from xo_cowork_core.api.config.routes import FAMILY as CONFIG
from xo_cowork_core.api.connectors.routes import FAMILY as CONNECTORS
from xo_cowork_core.api.files.routes import FAMILY as FILES
from xo_cowork_core.api.identity.routes import FAMILY as IDENTITY
from xo_cowork_core.api.legacy.routes import FAMILY as LEGACY
from xo_cowork_core.api.lifecycle.routes import FAMILY as LIFECYCLE
from xo_cowork_core.api.onboarding.routes import FAMILY as ONBOARDING
from xo_cowork_core.api.projects.routes import FAMILY as PROJECTS
from xo_cowork_core.api.providers.routes import FAMILY as PROVIDERS
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.api.runtimes.routes import FAMILY as RUNTIMES
from xo_cowork_core.api.secrets.routes import FAMILY as SECRETS
from xo_cowork_core.api.server.routes import FAMILY as SERVER
from xo_cowork_core.api.sessions.routes import FAMILY as SESSIONS
from xo_cowork_core.api.usage.routes import FAMILY as USAGE

FAMILIES: tuple[RouteFamily, ...] = (
    SERVER,
    CHAT,
    SESSIONS,
    USAGE,
    FILES,
    AGENTS,
    CONFIG,
    PROVIDERS,
    ONBOARDING,
    CONNECTORS,
    SECRETS,
    IDENTITY,
    LIFECYCLE,
    RUNTIMES,
    LEGACY,
    PROJECTS,
)
# what a client's first requests need; they come first in the table
FIRST_FAMILIES = (SERVER, CHAT)
# paths of the wire contract whose families are not served yet
RESERVED_PREFIXES = ("/mcp",)
RESERVED_PATHS = ("/api",)
MUTATING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def build_first_routes(app: FastAPI) -> None:
    """Build the lazy routes that a client's first requests would build. Takes 40 ms."""
    missing = {path for family in FIRST_FAMILIES for path in _paths_of(family)}
    # the app builds a family when the iteration reaches it
    for context in iter_route_contexts(app.routes):
        missing.discard(context.path)
        if not missing:
            return


def _paths_of(family: RouteFamily) -> Iterator[str | None]:
    return (context.path for context in iter_route_contexts(family.router.routes))


class RoutePolicies:
    """Finds the policy of a request by its path, before the request is routed."""

    def __init__(self, families: Sequence[RouteFamily]) -> None:
        self._default = _PolicyPair.of(RoutePolicy())
        self._exact: dict[str, _PolicyPair] = {}
        self._patterns: list[tuple[re.Pattern[str], _PolicyPair]] = []
        for family in families:
            for path, policy in family.policies.items():
                if "{" in path:
                    self._patterns.append((compile_path(path)[0], _PolicyPair.of(policy)))
                else:
                    self._exact[path] = _PolicyPair.of(policy)

    def find(self, method: str, path: str) -> RoutePolicy:
        """Return the policy of a request, the default one for a path that no family names."""
        pair = self._exact.get(path)
        if pair is None:
            pair = self._match(path)
        return pair.mutating if method in MUTATING_METHODS else pair.reading

    def _match(self, path: str) -> "_PolicyPair":
        for pattern, pair in self._patterns:
            if pattern.match(path):
                return pair
        return self._default


class _PolicyPair(NamedTuple):
    """One policy for mutating methods and for the others, which take no `Idempotency-Key`."""

    mutating: RoutePolicy
    reading: RoutePolicy

    @classmethod
    def of(cls, policy: RoutePolicy) -> "_PolicyPair":
        return cls(policy, policy._replace(idempotent=False))


_POLICIES = RoutePolicies(FAMILIES)


def policy_for(method: str, path: str) -> RoutePolicy:
    """Return the policy of a request to a core route. Paths of plugins have the default one."""
    return _POLICIES.find(method, path)


def claimed_prefixes() -> tuple[str, ...]:
    """Return the prefixes of the core: a plugin can claim neither them nor what is below."""
    return tuple(prefix for family in FAMILIES for prefix in family.prefixes) + RESERVED_PREFIXES


def claimed_paths() -> tuple[str, ...]:
    """Return the single paths of the core: a plugin can claim what is below, but not them."""
    return tuple(path for family in FAMILIES for path in family.exact_paths) + RESERVED_PATHS
