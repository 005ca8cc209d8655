"""The map in docs/architecture.md is the code's: packages, their imports, the files of a prompt."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT, page

SERVICES = ROOT / "xo_cowork_core" / "services"
PREFIX = "xo_cowork_core.services."
CODE = re.compile(r"`([^`]+)`")
ARCHITECTURE = page("docs/architecture.md")


def imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def imported_services(files: list[Path], own: str) -> set[str]:
    modules = {module for file in files for module in imported_modules(file)}
    names = {module.removeprefix(PREFIX).split(".")[0] for module in modules if PREFIX in module}
    return names - {own, ""}


def service_imports() -> dict[str, set[str]]:
    """Return which services each service imports."""
    found = {}
    for path in SERVICES.iterdir():
        if path.is_dir() and (path / "__init__.py").exists():
            found[path.name] = imported_services(sorted(path.rglob("*.py")), path.name)
        elif path.suffix == ".py" and path.stem != "__init__":
            found[path.stem] = imported_services([path], path.stem)
    return found


def test_the_table_of_services_lists_every_package_with_its_imports() -> None:
    table = {
        CODE.findall(name)[0].removeprefix("services/").rstrip("/").removesuffix(".py"): set(
            CODE.findall(imports)
        )
        for name, _, imports in ARCHITECTURE.table("## Services")
    }
    assert table == service_imports()


def test_each_file_on_the_way_of_a_prompt_exists_and_imports_nothing_of_an_earlier_one() -> None:
    files = [CODE.findall(row[0])[0] for row in ARCHITECTURE.table("### The files of a prompt")]
    assert len([file for file in files if file.startswith("xo_cowork_core/")]) <= 6
    assert len([file for file in files if file.startswith("plugins/runtime_claude/")]) <= 4
    earlier: set[str] = set()
    for file in files:
        path = ROOT / file
        package = Path(*path.relative_to(ROOT).parts[2 if file.startswith("plugins/") else 0 :])
        assert not earlier & set(imported_modules(path)), file
        earlier.add(".".join(package.with_suffix("").parts))
