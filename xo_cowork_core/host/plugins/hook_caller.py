"""Call the hooks of one plugin, so that nothing it raises goes further than its record."""

import inspect
import logging
from collections.abc import Mapping
from typing import Any

import pluggy
from pydantic import SecretStr

from xo_cowork_core.host.plugins.faults import describe_fault
from xo_cowork_core.sdk import Turn, TurnOutcome
from xo_cowork_core.sdk.hooks import PROJECT, Hooks
from xo_cowork_core.services.runtimes.registry import PluginRecord

log = logging.getLogger("xo_cowork.host")


class PluginFault(Exception):  # it is the plugin that is at fault, not this code
    """What a plugin did wrong, in one line for its record."""


class HookCaller:
    """One plugin behind a pluggy manager of its own: pluggy validates, and calls only it."""

    def __init__(self, record: PluginRecord, plugin: object) -> None:
        """Raises PluginFault for a hook that is misspelt or takes what the hook does not give."""
        self.record = record
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        if inspect.isclass(plugin):
            name = plugin.__name__
            raise PluginFault(f"its entry point is the class {name}: make it an object, {name}()")
        try:
            self._manager.register(plugin, record.name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginFault(_misdeclared(error)) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginFault(f"its hooks are wrong: {describe_fault(error)}") from error
        if not self._manager.get_hookcallers(plugin):
            raise PluginFault(
                "it has no hook: is the entry point an object with @hookimpl methods?"
            )

    def has(self, hook: str) -> bool:
        """Say whether the plugin implements a hook."""
        return bool(getattr(self._manager.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: object) -> Any:
        """Call one hook; None when the plugin lacks or returns it. Raises PluginFault alone."""
        try:
            results = getattr(self._manager.hook, hook)(**arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginFault(f"{hook} raised {describe_fault(error)}") from error
        return results[0] if results else None

    def items(self, hook: str, kind: type, **arguments: object) -> list[Any]:
        """Call a hook that returns a sequence of `kind`, and check that it did."""
        if not self.has(hook):
            return []
        found = self.call(hook, **arguments)
        if not isinstance(found, (list, tuple)):
            raise PluginFault(f"{hook} must return a list of {kind.__name__}, {_not(found)}")
        for item in found:
            if not isinstance(item, kind):
                raise PluginFault(f"{hook} must return a list of {kind.__name__}: {_not(item)}")
        return list(found)

    def turn_environment(self, turn: Turn) -> Mapping[str, SecretStr]:
        """Call `xo_turn_env`; what it raises or returns wrongly is logged and counts as nothing."""
        try:
            found = self.call("xo_turn_env", turn=turn) if self.record.serves else None
            return {str(key): SecretStr(_revealed(value)) for key, value in (found or {}).items()}
        except (PluginFault, AttributeError, TypeError, ValueError):
            log.exception("xo_turn_env of %s", self.record.name)
            return {}

    def turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        """Call `xo_turn_finished`; what it raises is logged."""
        try:
            if self.record.serves:
                self.call("xo_turn_finished", turn=turn, outcome=outcome)
        except PluginFault:
            log.exception("xo_turn_finished of %s", self.record.name)


def _misdeclared(error: pluggy.PluginValidationError) -> str:
    """What pluggy says in several lines, and for a misspelt hook the right names."""
    text = "; ".join(line.strip() for line in str(error).splitlines())
    if "unknown hook" in text:
        text = text.partition(" in plugin ")[0]
        names = ", ".join(name for name in vars(Hooks) if name.startswith("xo_"))
        return f"its hooks are wrong: {text}; the hooks are {names}"
    return f"its hooks are wrong: {text}"


def _not(found: object) -> str:
    if found is None:
        return "not None; does it lack its `return`?"
    if inspect.iscoroutine(found):
        found.close()
        return "not a coroutine; a hook is a plain function"
    if inspect.isclass(found):
        return f"not the class {found.__name__}; make it an object, {found.__name__}(…)"
    return f"not {type(found).__name__}"


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
