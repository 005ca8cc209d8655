"""The table of route families, and the host's look-ups in it.

Middleware, the claims of plugins and the tags of the OpenAPI document are derived from this table.
The order is the order of the routes, which are imported when a request first needs them.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from starlette.routing import compile_path

from xo_cowork_core.api.agents import FAMILY as AGENTS
from xo_cowork_core.api.chat import FAMILY as CHAT
from xo_cowork_core.api.config import FAMILY as CONFIG
from xo_cowork_core.api.connectors import FAMILY as CONNECTORS
from xo_cowork_core.api.files import FAMILY as FILES
from xo_cowork_core.api.git import FAMILY as GIT
from xo_cowork_core.api.identity import FAMILY as IDENTITY
from xo_cowork_core.api.legacy import FAMILY as LEGACY
from xo_cowork_core.api.lifecycle import FAMILY as LIFECYCLE
from xo_cowork_core.api.mcp import FAMILY as MCP
from xo_cowork_core.api.onboarding import FAMILY as ONBOARDING
from xo_cowork_core.api.projects import FAMILY as PROJECTS
from xo_cowork_core.api.providers import FAMILY as PROVIDERS
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.api.runtimes import FAMILY as RUNTIMES
from xo_cowork_core.api.secrets import FAMILY as SECRETS
from xo_cowork_core.api.server import FAMILY as SERVER
from xo_cowork_core.api.sessions import FAMILY as SESSIONS
from xo_cowork_core.api.usage import FAMILY as USAGE

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
    MCP,
    GIT,
    SECRETS,
    IDENTITY,
    LIFECYCLE,
    RUNTIMES,
    LEGACY,
    PROJECTS,
)
# what a client's first requests need
FIRST_FAMILIES = (SERVER, CHAT)
RESERVED_PATHS = ("/api",)
MUTATING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class RoutePolicies:
    """Finds the policy of a request by its path, before the request is routed."""

    def __init__(self, tables: Iterable[Mapping[str, RoutePolicy]]) -> None:
        self._default = _PolicyPair.of(RoutePolicy())
        self._exact: dict[str, _PolicyPair] = {}
        self._with_parameters: list[tuple[str, _PolicyPair]] = []
        for table in tables:
            for path, policy in table.items():
                if "{" in path:
                    self._with_parameters.append((path, _PolicyPair.of(policy)))
                else:
                    self._exact[path] = _PolicyPair.of(policy)

    def find(self, method: str, path: str) -> RoutePolicy:
        """Return the policy of a request, the default one for a path that no table names."""
        pair = self._exact.get(path)
        if pair is None:
            pair = self._match(path)
        return pair.mutating if method in MUTATING_METHODS else pair.reading

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], "_PolicyPair"]]:
        # the start needs none of them
        return [(compile_path(path)[0], pair) for path, pair in self._with_parameters]

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


def build_policies(plugins: Iterable[Mapping[str, RoutePolicy]] = ()) -> RoutePolicies:
    """Return the policies of the core's routes, and after them those of plugins."""
    return RoutePolicies([*(family.policies for family in FAMILIES), *plugins])


def claimed_prefixes() -> tuple[str, ...]:
    """Return the prefixes of the core: a plugin can claim neither them nor what is below."""
    return tuple(prefix for family in FAMILIES for prefix in family.prefixes)


def claimed_paths() -> tuple[str, ...]:
    """Return the single paths of the core: a plugin can claim what is below, but not them."""
    return tuple(path for family in FAMILIES for path in family.exact_paths) + RESERVED_PATHS
