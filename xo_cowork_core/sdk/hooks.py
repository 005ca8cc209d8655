"""Specifications of the eight hooks that a plugin may implement.

A plugin is an object, usually a module-level instance called `plugin`, whose methods have these
names and the decorator `@hookimpl`. The host finds it through the entry point group `GROUP`, calls
one plugin at a time, never for a single text delta, and records what a plugin raises. A method may
leave out arguments that it doesn't need. `runtimes` and `connectors` are what the plugin's
`xo_runtimes` and `xo_connectors` returned.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

import pluggy
from pydantic import SecretStr

from xo_cowork_core.sdk.connector.connector import Connector
from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.runtime import Runtime
from xo_cowork_core.sdk.runtime.turn import Turn, TurnOutcome
from xo_cowork_core.sdk.schema import SecretField, Setting

if TYPE_CHECKING:
    from fastapi import APIRouter

GROUP = "xo_cowork.plugins"
PROJECT = "xo_cowork"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@frozen_dataclass
class PluginRoutePolicy:
    """What the host does in front of one route of a plugin. The defaults are the closed ones.

    `public`: the route is served without the API token, for what a browser opens by itself.
    `streams_upload`: the route reads a body of any size and type as it comes, and limits it
    itself. Without it a JSON body, and each body with an `Idempotency-Key`, is read first and may
    have 32 MB.
    """

    public: bool = False
    streams_upload: bool = False


@frozen_dataclass
class Contributions:
    """What belongs to one plugin. The host checks it before it calls any other hook.

    `prefixes` are the plain paths under which all routes of the plugin lie (`/api/acme`).
    `policies` maps the path of a route, as its decorator gives it, to its policy; other routes
    have the default one.
    `env_file` is the path of the file with its keys, `~` allowed; the default is
    `<state folder>/env`. `settings` are the settings that the host reads for it.
    """

    prefixes: Sequence[str] = ()
    env_file: str = ""
    settings: Sequence[Setting] = ()
    policies: Mapping[str, PluginRoutePolicy] = field(default_factory=dict[str, PluginRoutePolicy])


class LazyRouter(NamedTuple):
    """Routes that are made after the start, so that it takes no longer because of them.

    `build` returns the router. It imports FastAPI's models and the plugin's routes itself, is
    called once, in a thread, when a request first needs a route of the plugin or soon after the
    start, and may take 5 s. The routes are checked then: a wrong one fails the plugin.
    """

    build: "Callable[[], APIRouter]"


class Hooks:
    """The signatures of all hooks."""

    @hookspec
    def xo_contributes(self) -> Contributions:
        """Return the route prefixes, env file and settings of the plugin. Called first."""
        raise NotImplementedError

    @hookspec
    def xo_secrets(self) -> Sequence[SecretField]:
        """Return the secrets that the plugin needs. Clients build a form from them, and their
        values reach the environment of the plugin's agents."""
        raise NotImplementedError

    @hookspec
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        """Create and return the runtimes of the plugin."""
        raise NotImplementedError

    @hookspec
    def xo_connectors(self, context: HostContext) -> Sequence[Connector]:
        """Create and return the connectors of the plugin."""
        raise NotImplementedError

    @hookspec
    def xo_routers(
        self,
        context: HostContext,
        runtimes: Sequence[Runtime],
        connectors: Sequence[Connector],
    ) -> Sequence["APIRouter | LazyRouter"]:
        """Return routers whose paths all lie under the claimed prefixes, best lazy ones.

        The host sets the plugin's name as their tag and checks access as for its own routes.
        """
        raise NotImplementedError

    @hookspec
    def xo_lifespan(
        self,
        context: HostContext,
        runtimes: Sequence[Runtime],
        connectors: Sequence[Connector],
    ) -> AbstractAsyncContextManager[None]:
        """Return a context manager that the host enters at start and leaves at stop.

        Runs in a task of its own. Start may take 30 s, during which the plugin's routes answer
        503; stop may take 5 s.
        """
        raise NotImplementedError

    @hookspec
    def xo_turn_env(self, turn: Turn) -> Mapping[str, SecretStr]:
        """Return entries to add to the environment of a turn's agent. Must not block."""
        raise NotImplementedError

    @hookspec
    def xo_turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Called after a turn ends. Must not block."""
        raise NotImplementedError
