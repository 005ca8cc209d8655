"""Specifications of the eight hooks that a plugin may implement.

A plugin is an object, usually a module-level instance called `plugin`, whose methods have these
names and the decorator `@hookimpl`. The host finds it through the entry point group `GROUP`, calls
one plugin at a time, never for a single text delta, and records what a plugin raises. A method may
leave out arguments that it doesn't need. `runtimes` and `connectors` are what the plugin's
`xo_runtimes` and `xo_connectors` returned.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pluggy
from pydantic import SecretStr

from xo_cowork_core.sdk.connector.connector import Connector
from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.runtime.runtime import Runtime
from xo_cowork_core.sdk.runtime.turn import Turn, TurnOutcome
from xo_cowork_core.sdk.schema import SecretField, Setting

if TYPE_CHECKING:
    from fastapi import APIRouter

GROUP = "xo_cowork.plugins"
PROJECT = "xo_cowork"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Contributions:
    """What belongs to one plugin. The host checks it before it calls any other hook.

    `prefixes` are the plain paths under which all routes of the plugin lie (`/api/acme`).
    `env_file` is the path of the file with its keys, `~` allowed; the default is
    `<state folder>/env`. `settings` are the settings that the host reads for it.
    """

    prefixes: Sequence[str] = ()
    env_file: str = ""
    settings: Sequence[Setting] = ()


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
    ) -> Sequence["APIRouter"]:
        """Return routers whose paths all lie under the claimed prefixes.

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
