"""Call the hooks of one plugin; what a hook raises or returns wrongly becomes a `PluginError`."""

import inspect
import logging
from collections.abc import Mapping
from typing import Any

import pluggy
from pydantic import SecretStr

from xo_cowork_core.sdk import Turn, TurnOutcome
from xo_cowork_core.sdk.hooks import PROJECT, Hooks
from xo_cowork_core.services.runtimes.registry import PluginRecord

log = logging.getLogger("xo_cowork.host")


class PluginError(Exception):
    """A plugin breaks a rule of the SDK; the text is one line for its record."""


class HookCaller:
    """One plugin behind a pluggy manager of its own, which validates and calls only this plugin."""

    def __init__(self, record: PluginRecord, plugin: object) -> None:
        """Raises PluginError for a hook that is misspelt or has an argument that does not exist."""
        self.record = record
        self._manager = pluggy.PluginManager(PROJECT)
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

    def call(self, hook: str, **arguments: object) -> Any:
        """Call one hook. Returns None where the plugin lacks it; raises PluginError alone."""
        try:
            results = getattr(self._manager.hook, hook)(**arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginError(f"{hook} raised {describe_exception(error)}") from error
        return results[0] if results else None

    def call_for_list(self, hook: str, item_type: type, **arguments: object) -> list[Any]:
        """Call a hook that returns a sequence of `item_type`. Raises PluginError."""
        if not self.implements(hook):
            return []
        items = self.call(hook, **arguments)
        expected = f"{hook} must return a list of {item_type.__name__}"
        if not isinstance(items, (list, tuple)):
            raise PluginError(f"{expected}, {_describe_wrong_value(items)}")
        for item in items:
            if not isinstance(item, item_type):
                raise PluginError(f"{expected}: {_describe_wrong_value(item)}")
        return list(items)

    def turn_environment(self, turn: Turn) -> Mapping[str, SecretStr]:
        """Call `xo_turn_env`; a fault is logged and counts as an empty environment."""
        try:
            variables = self.call("xo_turn_env", turn=turn) if self.record.serves else None
            return {str(key): SecretStr(_reveal(value)) for key, value in (variables or {}).items()}
        except (PluginError, AttributeError, TypeError, ValueError):
            log.exception("xo_turn_env of plugin %s failed", self.record.name)
            return {}

    def turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Call `xo_turn_finished`; a fault is logged."""
        try:
            if self.record.serves:
                self.call("xo_turn_finished", turn=turn, outcome=outcome)
        except PluginError:
            log.exception("xo_turn_finished of plugin %s failed", self.record.name)


def describe_exception(error: BaseException) -> str:
    """Return an exception's class and the first line of its text, at most 200 characters of it."""
    lines = str(error).strip().splitlines()
    text = lines[0][:200] if lines else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _describe_validation_error(error: pluggy.PluginValidationError) -> str:
    """Put pluggy's lines into one; for a misspelt hook, list the hooks that exist."""
    text = "; ".join(line.strip() for line in str(error).splitlines())
    if "unknown hook" in text:
        text = text.partition(" in plugin ")[0]
        names = ", ".join(name for name in vars(Hooks) if name.startswith("xo_"))
        return f"its hooks are wrong: {text}; the hooks are {names}"
    return f"its hooks are wrong: {text}"


def _describe_wrong_value(value: object) -> str:
    if value is None:
        return "not None; does it lack its `return`?"
    if inspect.iscoroutine(value):
        value.close()
        return "not a coroutine; a hook is a plain function"
    if inspect.isclass(value):
        return f"not the class {value.__name__}; make it an object, {value.__name__}(…)"
    return f"not {type(value).__name__}"


def _reveal(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
