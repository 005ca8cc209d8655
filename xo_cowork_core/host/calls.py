"""Call the hooks of one plugin, so that nothing it raises goes further than its record."""

import logging
from collections.abc import Mapping
from typing import Any

import pluggy
from pydantic import SecretStr

from xo_cowork_core.host.faults import describe_fault
from xo_cowork_core.sdk import Turn, TurnOutcome
from xo_cowork_core.sdk.hooks import PROJECT, Hooks
from xo_cowork_core.services.registry import PluginRecord

log = logging.getLogger("xo_cowork.host")


class PluginFault(Exception):  # it is the plugin that is at fault, not this code
    """What a plugin did wrong, in one line for its record."""


class HookCalls:
    """One plugin behind a pluggy manager of its own: pluggy validates, and calls only it."""

    def __init__(self, record: PluginRecord, plugin: object) -> None:
        """Raises PluginFault for a hook that is misspelt or takes what the hook does not give."""
        self.record = record
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        try:
            self._manager.register(plugin, record.name)
            self._manager.check_pending()
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
        """Call one hook; None when the plugin lacks it. Raises PluginFault alone."""
        try:
            results = getattr(self._manager.hook, hook)(**arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginFault(f"{hook} raised {describe_fault(error)}") from error
        return results[0] if results else None

    def items(self, hook: str, kind: type, **arguments: object) -> list[Any]:
        """Call a hook that returns a sequence of `kind`, and check that it did."""
        found = self.call(hook, **arguments)
        if found is None:
            return []
        if not isinstance(found, (list, tuple)) or not all(isinstance(i, kind) for i in found):
            raise PluginFault(f"{hook} must return a list of {kind.__name__}")
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


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
