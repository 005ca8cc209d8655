"""Find plugins among the installed distributions and import the enabled ones.

stevedore imports; `PluginExtensionManager` closes the holes seen in stevedore 5.10.
"""

import importlib.metadata
import logging
import re
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from stevedore.extension import Extension
from stevedore.named import NamedExtensionManager

from xo_cowork_core.sdk import GROUP
from xo_cowork_core.services.runtimes.call_thread import CallThread, HangingCallError
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord, describe_exception

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

log = logging.getLogger("xo_cowork.host")
CORE = "xo-cowork-core"
IMPORT_SECONDS = 10.0
NAME_HEADER = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)
VERSION_HEADER = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)
# a name with versions, without extras, a URL or a marker
# bounds of plain numbers, which most plugins declare
PLAIN_VERSIONS = re.compile(r"\s*(?:(?:>=|<)\s*\d+(?:\.\d+)*\s*(?:,\s*|$))+")
PLAIN_NUMBERS = re.compile(r"\d+(\.\d+)*")
PLAIN_BOUND = re.compile(r"(>=|<)\s*([\d.]+)")
PLAIN_REQUIREMENT = re.compile(r"\s*([\w.-]+)\s*([<>=!~][\w<>=!~.*+,\s-]*)?")


class InstalledPlugin(NamedTuple):
    """One installed entry point with its distribution."""

    entry_point: importlib.metadata.EntryPoint
    distribution: importlib.metadata.Distribution
    distribution_name: str
    version: str

    @property
    def name(self) -> str:
        return self.entry_point.name


class DiscoveredPlugin(NamedTuple):
    """A plugin's record, and its object where it could be imported."""

    record: PluginRecord
    plugin: object | None = None


class PluginExtensionManager(NamedExtensionManager[Any]):
    """Imports entry points, each at most once; keeps what an import raises and how long it took."""

    def __init__(
        self, plugins: Sequence[InstalledPlugin], thread: CallThread, *, strict: bool
    ) -> None:
        self._entry_points = [plugin.entry_point for plugin in plugins]
        self._thread = thread
        self._strict = strict
        self.import_ms: dict[str, float] = {}
        self.errors: dict[str, BaseException] = {}
        names = [plugin.name for plugin in plugins]
        super().__init__(GROUP, names, on_missing_entrypoints_callback=None)

    def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
        # hole: stevedore's cache on disk is stale for minutes after a re-install, and its entry
        # points have no `dist`. Hole: of two equal names that are not neighbours the last one
        # wins silently, so the caller refuses duplicates before.
        return self._entry_points

    def _load_one_plugin(
        self,
        ep: importlib.metadata.EntryPoint,
        invoke_on_load: bool,
        invoke_args: tuple[Any, ...],
        invoke_kwds: dict[str, Any],
    ) -> Extension[Any] | None:
        started = time.perf_counter()
        try:
            load = partial(super()._load_one_plugin, ep, invoke_on_load, invoke_args, invoke_kwds)
            return self._thread.run(load, IMPORT_SECONDS)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # hole: AssertionError and SystemExit escape stevedore's failure callback
            if self._strict:
                raise
            self.errors[ep.name] = error
            return None
        finally:
            self.import_ms[ep.name] = (time.perf_counter() - started) * 1000


def list_installed_plugins() -> Sequence[InstalledPlugin]:
    """Return the plugins of this environment by name, read from the distributions themselves."""
    seen: set[str] = set()
    plugins: list[InstalledPlugin] = []
    for distribution in importlib.metadata.distributions():
        name, version = _read_headers(distribution)
        # the first folder on sys.path wins, as it does for an import
        if _normalize(name) in seen:
            continue
        seen.add(_normalize(name))
        entry_points = distribution.entry_points.select(group=GROUP)
        plugins.extend(
            InstalledPlugin(point, distribution, name, version) for point in entry_points
        )
    return sorted(plugins, key=lambda plugin: (plugin.name, plugin.distribution_name))


def discover_plugins(
    installed: Sequence[InstalledPlugin],
    enabled: Sequence[str],
    *,
    core_version: str,
    thread: CallThread,
    strict: bool,
) -> list[DiscoveredPlugin]:
    """Import the enabled plugins and return one entry per name, imported or not.

    The enabled ones come first, in their order: of two plugins that claim the same, the earlier
    one gets it. With `strict` an exception at import is raised.
    """
    records: dict[str, PluginRecord] = {}
    importable: list[InstalledPlugin] = []
    counts = Counter(plugin.name for plugin in installed)
    for plugin in installed:
        record = records.setdefault(plugin.name, _record_of(plugin))
        if plugin.name not in enabled:
            record.set_state("disabled")
        elif counts[plugin.name] > 1:
            record.fail(_describe_duplicates(installed, plugin.name))
        elif mismatch := find_version_mismatch(plugin.distribution, core_version):
            record.set_state("incompatible", mismatch)
        else:
            importable.append(plugin)
    for name in enabled:
        if name not in records:
            records[name] = _missing_record(name, list(counts))
    objects = _import_plugins(importable, records, thread, strict=strict)
    order = dict.fromkeys((*enabled, *records))
    return [DiscoveredPlugin(records[name], objects.get(name)) for name in order]


def _import_plugins(
    plugins: Sequence[InstalledPlugin],
    records: dict[str, PluginRecord],
    thread: CallThread,
    *,
    strict: bool,
) -> dict[str, object]:
    manager = PluginExtensionManager(plugins, thread, strict=strict)
    for name, import_ms in manager.import_ms.items():
        records[name].set_import_time(round(import_ms, 1))
    for name, error in manager.errors.items():
        records[name].fail(_describe_import_error(error))
        log.warning("plugin %s could not be imported", name, exc_info=error)
    loaded: dict[str, object] = {each.name: each.plugin for each in manager}
    for name, plugin in loaded.items():
        if plugin is None:
            records[name].fail("its entry point is None: make it an object with @hookimpl methods")
    return loaded


def _describe_import_error(error: BaseException) -> str:
    if isinstance(error, HangingCallError):
        return (
            f"its import took longer than {IMPORT_SECONDS:g} s: do slow work in the context of"
            " xo_lifespan"
        )
    return f"import failed: {describe_exception(error)}"


def find_version_mismatch(distribution: importlib.metadata.Distribution, core_version: str) -> str:
    """Return why a distribution does not fit this core; "" where it does."""
    for text in distribution.requires or ():
        if _is_plainly_met(text, core_version):
            continue
        try:
            versions = _required_versions(text)
        except ValueError:
            return f"its requirement {text!r} can't be read"
        if versions is not None and not versions.contains(core_version, prereleases=True):
            return f"needs {CORE}{versions}, this is {core_version}"
    return ""


def _is_plainly_met(text: str, core_version: str) -> bool:
    """Return whether a requirement without markers is for another distribution, or has bounds of
    plain numbers that hold: `packaging`, which knows the other ones, takes 5 ms to import."""
    plain = PLAIN_REQUIREMENT.fullmatch(text)
    if plain is None:
        return False
    name, versions = plain.groups(default="")
    if _normalize(name) != CORE:
        return True
    if not (PLAIN_VERSIONS.fullmatch(versions) and PLAIN_NUMBERS.fullmatch(core_version)):
        return False
    own = _numbers(core_version)
    return all(
        (own >= _numbers(bound)) == (operator == ">=")
        for operator, bound in PLAIN_BOUND.findall(versions)
    )


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version, without zeros at the end, which mean nothing."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def _required_versions(text: str) -> "SpecifierSet | None":
    """Return the versions of the core that a requirement allows; None when it is for another
    distribution or environment. Raises ValueError."""
    from packaging.requirements import Requirement  # noqa: PLC0415

    requirement = Requirement(text)
    if _normalize(requirement.name) != CORE:
        return None
    if requirement.marker and not requirement.marker.evaluate():
        return None
    return requirement.specifier


def _normalize(name: str) -> str:
    """Return the name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read_headers(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Return the name and the version of a distribution."""
    # `metadata` runs the whole file through the e-mail parser: 30 ms for all distributions
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    name, version = NAME_HEADER.search(text), VERSION_HEADER.search(text)
    return name[1] if name else "", version[1] if version else ""


def _record_of(plugin: InstalledPlugin) -> PluginRecord:
    return PluginRecord(
        plugin.name,
        kind=_kind_of(plugin.name),
        distribution=plugin.distribution_name,
        version=plugin.version,
        package=plugin.entry_point.module.partition(".")[0],
    )


def _missing_record(name: str, known: Sequence[str]) -> PluginRecord:
    error = f"No installed distribution has a plugin called {name}."
    if suggestion := _find_similar(name, known):
        error += f" Did you mean {suggestion}?"
    return PluginRecord(name, kind=_kind_of(name), state="missing", error=error)


def _find_similar(name: str, known: Sequence[str]) -> str | None:
    """Find the plugin that a name may mean: its kind left out, or a typing error."""
    from difflib import get_close_matches  # noqa: PLC0415  # not needed for a normal start

    ends = [each for each in known if each.endswith(f"_{name}")]
    return next(iter(ends or get_close_matches(name, known, 1)), None)


def _kind_of(name: str) -> str:
    kind = name.partition("_")[0]
    return kind if kind in {"runtime", "connector"} else "plugin"


def _describe_duplicates(installed: Sequence[InstalledPlugin], name: str) -> str:
    owners = [plugin.distribution_name for plugin in installed if plugin.name == name]
    return f"more than one distribution has a plugin called {name}: {', '.join(owners)}"
