"""Find plugins among the installed distributions, and load the enabled ones.

stevedore lists and loads; `Finder` closes the holes that were seen in 5.10.
"""

import importlib.metadata
import logging
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from stevedore.extension import Extension
from stevedore.named import NamedExtensionManager

from xo_cowork_core.host.plugins.faults import describe_fault
from xo_cowork_core.sdk import GROUP
from xo_cowork_core.services.runtimes.registry import PluginRecord

log = logging.getLogger("xo_cowork.host")
CORE = "xo-cowork-core"
NAME = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One installed entry point with its distribution."""

    point: importlib.metadata.EntryPoint
    distribution: importlib.metadata.Distribution

    @property
    def name(self) -> str:
        return self.point.name


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was looked at: its record, and the object when it could be loaded."""

    record: PluginRecord
    plugin: object | None = None


@dataclass(slots=True)
class Loaded:
    """What `Finder` hands back through its callbacks."""

    import_ms: dict[str, float] = field(default_factory=dict[str, float])
    errors: dict[str, BaseException] = field(default_factory=dict[str, BaseException])


class Finder(NamedExtensionManager[Any]):
    """Loads the entry points it is given, each at most once, and lets none of them escape."""

    def __init__(self, entries: Sequence[Entry], *, strict: bool) -> None:
        self._points = [entry.point for entry in entries]
        self._strict = strict
        self.loaded = Loaded()
        names = [point.name for point in self._points]
        super().__init__(GROUP, names, on_missing_entrypoints_callback=None)

    def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
        # hole: stevedore's cache on disk is stale for minutes after a re-install, and gives
        # points whose `dist` is None. Hole: of twins that are not neighbours the last one wins
        # in silence, so the caller sorts twins out before.
        return self._points

    def _load_one_plugin(
        self,
        ep: importlib.metadata.EntryPoint,
        invoke_on_load: bool,
        invoke_args: tuple[Any, ...],
        invoke_kwds: dict[str, Any],
    ) -> Extension[Any] | None:
        started = time.perf_counter()
        try:
            return super()._load_one_plugin(ep, invoke_on_load, invoke_args, invoke_kwds)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # hole: AssertionError and SystemExit pass stevedore's failure callback by
            if self._strict:
                raise
            self.loaded.errors[ep.name] = error
            return None
        finally:
            self.loaded.import_ms[ep.name] = (time.perf_counter() - started) * 1000


class Installed:
    """The entry points of this environment, read anew, not through a cache."""

    @cached_property
    def entries(self) -> Sequence[Entry]:
        seen: set[str] = set()
        found: list[Entry] = []
        for distribution in importlib.metadata.distributions():
            name = canonicalize_name(_name(distribution))
            # the first folder on sys.path wins, as it does for an import
            if name in seen:
                continue
            seen.add(name)
            points = distribution.entry_points.select(group=GROUP)
            found.extend(Entry(point, distribution) for point in points)
        return sorted(found, key=lambda entry: (entry.name, entry.distribution.metadata["Name"]))

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(entry.name for entry in self.entries))


def find_plugins(
    installed: Installed, enabled: Sequence[str], *, core_version: str, strict: bool
) -> list[Candidate]:
    """Load what is enabled and return one candidate per name, whatever became of it.

    The enabled ones come first, in their order: where two claim the same, the earlier has it.
    """
    records: dict[str, PluginRecord] = {}
    loadable: list[Entry] = []
    twins = Counter(entry.name for entry in installed.entries)
    for entry in installed.entries:
        record = records.setdefault(entry.name, _record(entry))
        if entry.name not in enabled:
            record.state = "disabled"
        elif twins[entry.name] > 1:
            record.fail(_twins(installed, entry.name))
        elif mismatch := incompatible(entry.distribution, core_version):
            record.state, record.error = "incompatible", mismatch
        else:
            loadable.append(entry)
    for name in enabled:
        missing = PluginRecord(name, kind=_kind(name), state="missing")
        missing.error = f"No installed distribution has a plugin called {name}."
        records.setdefault(name, missing)
    finder = Finder(loadable, strict=strict)
    for name, error in finder.loaded.errors.items():
        records[name].fail(f"import failed: {describe_fault(error)}")
        log.warning("plugin %s could not be imported", name, exc_info=error)
    for name, import_ms in finder.loaded.import_ms.items():
        records[name].import_ms = round(import_ms, 1)
    plugins = {found.name: found.plugin for found in finder}
    order = dict.fromkeys((*enabled, *records))
    return [Candidate(records[name], plugins.get(name)) for name in order]


def incompatible(distribution: importlib.metadata.Distribution, core_version: str) -> str:
    """Say why a distribution was not made for this core, or nothing."""
    for text in distribution.requires or ():
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            return f"its requirement {text!r} can't be read"
        if canonicalize_name(wanted.name) != CORE or (
            wanted.marker and not wanted.marker.evaluate()
        ):
            continue
        if not wanted.specifier.contains(core_version, prereleases=True):
            return f"needs {CORE}{wanted.specifier}, this is {core_version}"
    return ""


def _name(distribution: importlib.metadata.Distribution) -> str:
    # `metadata` runs the whole file through the parser of e-mails: 30 ms for all that is installed
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    found = NAME.search(text)
    return found[1] if found else ""


def _record(entry: Entry) -> PluginRecord:
    return PluginRecord(
        entry.name,
        kind=_kind(entry.name),
        distribution=entry.distribution.metadata["Name"],
        version=entry.distribution.version,
    )


def _kind(name: str) -> str:
    kind = name.partition("_")[0]
    return kind if kind in {"runtime", "connector"} else "plugin"


def _twins(installed: Installed, name: str) -> str:
    owners = [e.distribution.metadata["Name"] for e in installed.entries if e.name == name]
    return f"more than one distribution has a plugin called {name}: {', '.join(owners)}"
