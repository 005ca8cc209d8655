"""What `plugins check` finds in a loaded plugin before a server runs it.

Signatures and source text are read; nothing is started. The lifespan's hook is called, its context
is not entered.
"""

import ast
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from xo_cowork_core import __version__
from xo_cowork_core.host.plugins.discovery import CORE
from xo_cowork_core.host.plugins.registrar import LoadedPlugin
from xo_cowork_core.sdk import Runtime
from xo_cowork_core.services.runtimes.plugin_record import PluginError, PluginRecord
from xo_cowork_core.services.runtimes.registry import ABILITIES
from xo_cowork_core.services.runtimes.value_words import describe_value

CORE_PACKAGE = "xo_cowork_core"
SDK_PACKAGE = "xo_cowork_core.sdk"


class CheckedPlugin(NamedTuple):
    """A plugin's record and what is wrong with it, beside `record.error`."""

    record: PluginRecord
    problems: list[str]


def check_plugin(loaded: LoadedPlugin) -> CheckedPlugin:
    """Return the problems of one loaded plugin."""
    record = loaded.record
    problems = [
        problem
        for registered in loaded.runtimes
        for problem in _runtime_problems(registered.runtime)
    ]
    problems += _lifespan_problems(loaded)
    problems += _import_problems(record.package)
    problems += _requirement_problems(record.distribution)
    return CheckedPlugin(record, problems)


def _runtime_problems(runtime: Runtime) -> Iterator[str]:
    if not inspect.isasyncgenfunction(runtime.run) and not _has_return_annotation(runtime.run):
        yield "run() is a plain function: write `async def run(self, turn)` with `yield`"
    for ability in ABILITIES.values():
        names: list[str] = sorted(getattr(ability, "__abstractmethods__", ()))
        if isinstance(runtime, ability):
            yield from _method_problems(runtime, ability, names)
        elif names and all(hasattr(runtime, name) for name in names):
            yield f"it has {names[0]}(), but {ability.__name__} is no base class of its runtime"


def _method_problems(runtime: Runtime, ability: type, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not inspect.iscoroutinefunction(getattr(ability, name)):
            continue
        method = inspect.unwrap(getattr(runtime, name))
        if inspect.isasyncgenfunction(method):
            yield f"{name}() is a generator: write `return`, not `yield`"
        elif not inspect.iscoroutinefunction(method) and not _has_return_annotation(method):
            yield f"{name}() is no coroutine: write `async def {name}`"


def _has_return_annotation(method: object) -> bool:
    """Return whether the author says what a function returns, such as an awaitable."""
    annotations = getattr(method, "__annotations__", {})
    text = str(annotations.get("return", ""))
    return any(word in text for word in ("Async", "Await", "Coroutine", "Future", "Task"))


def _lifespan_problems(loaded: LoadedPlugin) -> Iterator[str]:
    if not loaded.hooks.implements("xo_lifespan"):
        return
    arguments = {
        "context": loaded.context,
        "runtimes": [registered.runtime for registered in loaded.runtimes],
        "connectors": [registered.connector for registered in loaded.connectors],
    }
    try:
        lifespan = loaded.hooks.call("xo_lifespan", object, **arguments)
    except PluginError as error:
        yield str(error)
        return
    if not isinstance(lifespan, AbstractAsyncContextManager):
        received = describe_value(lifespan).partition(":")[0]
        yield f"xo_lifespan() must return a context, {received}: use @asynccontextmanager"


def _import_problems(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package) if package else None
    if spec is None:
        return
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    for file in files or ([Path(spec.origin)] if spec.origin else []):
        for line, module in _imported_modules(file):
            is_core = module == CORE_PACKAGE or module.startswith(f"{CORE_PACKAGE}.")
            is_sdk = module == SDK_PACKAGE or module.startswith(f"{SDK_PACKAGE}.")
            if is_core and not is_sdk:
                yield f"{file.name}:{line} imports {module}: import {SDK_PACKAGE} alone"


def _imported_modules(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            is_bare = node.module == CORE_PACKAGE
            names = [f"{CORE_PACKAGE}.{alias.name}" for alias in node.names] if is_bare else []
            yield from ((node.lineno, name) for name in names or [node.module])


def _requirement_problems(distribution: str) -> Iterator[str]:
    requirements = map(Requirement, importlib.metadata.requires(distribution) or ())
    core = [each for each in requirements if canonicalize_name(each.name) == CORE]
    if not any(each.specifier for each in core):
        major, minor, *_ = __version__.split(".")
        example = f"{CORE}>={major}.{minor},<{major}.{int(minor) + 1}"
        yield f"it requires no range of versions of {CORE}: write {example}"
