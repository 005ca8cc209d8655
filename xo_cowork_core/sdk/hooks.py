"""The eight hooks: wiring and notices. The table of contents of what a plugin can do.

A plugin is an object (usually a module-level instance called `plugin`) with methods of these
names, each decorated with `@hookimpl`, found through the entry point group `GROUP`. The host
calls one plugin at a time, never during a token, and records what a plugin raises. A method may
leave out arguments that it doesn't need. `runtimes` is what its `xo_runtimes` returned.
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
class Claims:
    """What a plugin takes for itself, checked before anything of it runs.

    `prefixes` are paths that its routes must lie under (`/api/acme`); `env_file` is where its
    keys live, `~` allowed, default `<state folder>/env`; `settings` are read for it.
    """

    prefixes: Sequence[str] = ()
    env_file: str = ""
    settings: Sequence[Setting] = ()


class Hooks:
    """Signatures of all hooks."""

    @hookspec
    def xo_claims(self) -> Claims:
        """Say which route prefixes, env file and settings are the plugin's. Called first."""
        raise NotImplementedError

    @hookspec
    def xo_secrets(self) -> Sequence[SecretField]:
        """List the secrets it needs: a form is made of them, and their keys reach its agents."""
        raise NotImplementedError

    @hookspec
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        """Return the runtimes it brings, made for this host."""
        raise NotImplementedError

    @hookspec
    def xo_connectors(self, context: HostContext) -> Sequence[Connector]:
        """Return the connectors it brings."""
        raise NotImplementedError

    @hookspec
    def xo_routers(
        self, context: HostContext, runtimes: Sequence[Runtime]
    ) -> Sequence["APIRouter"]:
        """Return routers whose paths all lie under its claims. They get its name as their tag
        and stand behind the same access gate as the core's own."""
        raise NotImplementedError

    @hookspec
    def xo_lifespan(
        self, context: HostContext, runtimes: Sequence[Runtime]
    ) -> AbstractAsyncContextManager[None]:
        """Return what to enter at start and leave at stop. Runs in a task of its own; start may
        take 30 s (routes answer 503 until then), stop 5 s."""
        raise NotImplementedError

    @hookspec
    def xo_turn_env(self, turn: Turn) -> Mapping[str, SecretStr]:
        """Add to the environment of a turn's agent. Must not block."""
        raise NotImplementedError

    @hookspec
    def xo_turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Hear that a turn ended. Must not block."""
        raise NotImplementedError
