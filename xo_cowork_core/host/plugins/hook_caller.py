"""Call the hooks of one plugin; what a hook raises or returns wrongly becomes a `PluginError`."""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pluggy
from fastapi import APIRouter
from pydantic import SecretStr

from xo_cowork_core.sdk import LazyRouter, Turn, TurnOutcome
from xo_cowork_core.sdk.hooks import PROJECT, Hooks
from xo_cowork_core.services.runtimes.call_thread import CallThread, HangingCallError
from xo_cowork_core.services.runtimes.calls import require_type
from xo_cowork_core.services.runtimes.plugin_record import (
    PluginError,
    PluginRecord,
    describe_exception,
)
from xo_cowork_core.services.runtimes.value_words import shorten
from xo_cowork_core.services.secrets.reserved_names import find_refusal

HOOK_SECONDS = 5.0


class HookManager(pluggy.PluginManager):
    """Looks for hooks among the names that a class itself defines: pluggy inspects each of the 30
    special methods too, which takes 1 ms for every plugin."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> pluggy.HookspecOpts | None:
        return None if name.startswith("__") else super().parse_hookspec_opts(module_or_class, name)


class HookCaller:
    """One plugin behind a pluggy manager of its own, which validates and calls only this plugin."""

    def __init__(self, record: PluginRecord, plugin: object, thread: CallThread) -> None:
        """`thread` runs the hooks at start; each plugin has one of its own for those at turns.

        Raises PluginError for a hook that is misspelt or has an argument that does not exist.
        """
        self.record = record
        self._thread = thread
        self._turn_thread = CallThread(f"hooks of {record.name}")
        self._hanging: set[str] = set()
        self._manager = HookManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        if inspect.isclass(plugin):
            name = plugin.__name__
            raise PluginError(f"its entry point is the class {name}: make it an object, {name}()")
        try:
            self._manager.register(plugin, record.name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(_describe_validation_error(error)) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginError(f"its hooks are wrong: {describe_exception(error)}") from error
        if not self._manager.get_hookcallers(plugin):
            raise PluginError(
                "it has no hook: is the entry point an object with @hookimpl methods?"
            )

    def implements(self, hook: str) -> bool:
        """Return whether the plugin implements a hook."""
        return bool(getattr(self._manager.hook, hook).get_hookimpls())

    def call(self, hook: str, hint: Any, **arguments: object) -> Any:
        """Call one hook at start and check its result. Blocks; raises PluginError alone."""
        try:
            value = self._thread.run(self._call_of(hook, arguments), HOOK_SECONDS)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _hook_error(hook, error) from error
        require_type(value, hint, f"{hook}()")
        return value

    async def call_later(self, hook: str, hint: Any, **arguments: object) -> Any:
        """Call one hook while the server runs. A hook that hung is not called again: None.

        Raises PluginError alone.
        """
        if hook in self._hanging:
            return None
        try:
            call = self._call_of(hook, arguments)
            value = await self._turn_thread.run_async(call, HOOK_SECONDS)
        except HangingCallError as error:
            self._hanging.add(hook)
            raise _hook_error(hook, error) from error
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            raise _hook_error(hook, error) from error
        require_type(value, hint, f"{hook}()")
        return value

    def build_router(self, router: APIRouter | LazyRouter) -> APIRouter:
        """Return the routes of a lazy router. Blocks; raises PluginError alone."""
        if isinstance(router, APIRouter):
            return router
        try:
            built = self._turn_thread.run(router.build, HOOK_SECONDS)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _hook_error("LazyRouter.build", error) from error
        require_type(built, APIRouter, "LazyRouter.build()")
        return built

    def close(self) -> None:
        """End the thread of the plugin's hooks."""
        self._turn_thread.close()

    def call_for_list(self, hook: str, item_type: Any, **arguments: object) -> list[Any]:
        """Call a hook at start that returns a list. Raises PluginError."""
        if not self.implements(hook):
            return []
        return list(self.call(hook, Sequence[item_type], **arguments))

    async def turn_environment(self, turn: Turn) -> Mapping[str, SecretStr]:
        """Call `xo_turn_env`; a fault is recorded and counts as an empty environment."""
        if not self.record.serves:
            return {}
        try:
            hint = Mapping[str, SecretStr | str] | None
            variables = await self.call_later("xo_turn_env", hint, turn=turn)
        except PluginError as error:
            self.record.add_fault("xo_turn_env()", str(error))
            return {}
        return {
            key: _secret(value)
            for key, value in (variables or {}).items()
            if not self._is_refused(key, value)
        }

    async def turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Call `xo_turn_finished`; a fault is recorded."""
        if not self.record.serves:
            return
        try:
            await self.call_later("xo_turn_finished", type(None), turn=turn, outcome=outcome)
        except PluginError as error:
            self.record.add_fault("xo_turn_finished()", str(error))

    def _is_refused(self, key: str, value: SecretStr | str) -> bool:
        if refusal := find_refusal(key, _secret(value).get_secret_value()):
            text = f"xo_turn_env(): {shorten(key)} {refusal}: leave it out"
            self.record.add_fault("xo_turn_env()", text)
        return bool(refusal)

    def _call_of(self, hook: str, arguments: Mapping[str, object]) -> Callable[[], object]:
        def call() -> object:
            results = getattr(self._manager.hook, hook)(**arguments)
            return results[0] if results else None

        return call


def _hook_error(hook: str, error: BaseException) -> PluginError:
    if isinstance(error, HangingCallError):
        return PluginError(
            f"{hook}() took longer than {HOOK_SECONDS:g} s: do slow work in the context of"
            " xo_lifespan"
        )
    return PluginError(f"{hook} raised {describe_exception(error)}")


def _describe_validation_error(error: pluggy.PluginValidationError) -> str:
    """Put pluggy's lines into one; for a misspelt hook, list the hooks that exist."""
    text = "; ".join(line.strip() for line in str(error).splitlines())
    if "unknown hook" in text:
        text = text.partition(" in plugin ")[0]
        names = ", ".join(name for name in vars(Hooks) if name.startswith("xo_"))
        return f"its hooks are wrong: {text}; the hooks are {names}"
    return f"its hooks are wrong: {text}"


def _secret(value: SecretStr | str) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(value)
