"""What the pages list is what the code has, no more and no less."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from tests.docs.pages import own_pages, page
from tests.docs.settings_page import wanted
from xo_cowork_core import sdk
from xo_cowork_core.api.errors import STATUS
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.settings.model import read_settings
from xo_cowork_core.sdk import hooks, kit, sign_in, testing
from xo_cowork_core.sdk.connector import ConnectionState
from xo_cowork_core.sdk.events import base as events
from xo_cowork_core.sdk.runtime import agents, catalog, configuration, history, transcripts
from xo_cowork_core.sdk.runtime import sign_in as runtime_sign_in
from xo_cowork_core.services.auth_flows.views import FlowState
from xo_cowork_core.services.connectors.errors import ERRORS
from xo_cowork_core.services.runtimes.plugin_record import PluginState
from xo_cowork_core.services.runtimes.registry import ABILITIES

FRONTEND, PLUGINS = page("docs/frontend.md"), page("docs/plugins.md")
RUNTIME_MODULES = (
    sdk,
    agents,
    catalog,
    configuration,
    history,
    runtime_sign_in,
    transcripts,
)
PUBLIC_MODULES = (*RUNTIME_MODULES, sign_in, kit, testing)
# the stream sends these itself, without an id
UNNUMBERED = {"heartbeat": set[str](), "error": {"error_message"}}
FAMILIES = {
    "files": "/api/files",
    "projects": "/api/xo-projects",
    "search": "/api/sessions/search",
    "usage": "/api/usage",
    "Connectors": "/api/connectors",
    "Identity": "/xo-auth",
    "signing in to agents": "/claude/setup-token",
    "configuration": "/api/config/providers",
    "onboarding": "/api/onboarding",
    "Restart": "/app/restart",
    "update": "/app/update",
}
# commands that have commands
GROUPS = frozenset({"plugins", "sessions"})
SAMPLES = (
    events.SessionCreated(),
    events.TextDelta(""),
    events.ReasoningDelta(""),
    events.StepStart(1),
    events.StepFinish(),
    events.ModelLoading(""),
    events.TitleUpdate(""),
    events.CompactionStart(),
    events.Compacted(),
    events.CompactionError(""),
    events.Desync(""),
    events.AgentError(""),
    events.Done(),
    sdk.ToolCall("", ""),
    sdk.ToolUpdate("", "", {}, "", ""),
    sdk.ToolResult("", ""),
    sdk.ToolError("", ""),
    sdk.PermissionRequest("", "", ""),
    sdk.PermissionResolved("", ""),
    sdk.Question("", "", ()),
    sdk.QuestionResolved(""),
    sdk.PlanReview("", "", ""),
)


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_samples_are_all_events_of_the_sdk() -> None:
    # by name: a dataclass with slots leaves the class without them behind
    known = {kind.__name__ for kind in events.Event.__subclasses__()}
    assert {type(sample).__name__ for sample in SAMPLES} == known


def test_the_event_table_has_every_event_with_its_keys() -> None:
    listed = {words(name)[0]: set(words(data)) for name, data, _ in FRONTEND.table("## Events")}
    assert listed == UNNUMBERED | {sample.name: set(sample.data("")) for sample in SAMPLES}


def test_terminal_events_are_bold_and_no_others() -> None:
    bold = {words(row[0])[0] for row in FRONTEND.table("## Events") if row[0].startswith("**")}
    assert bold == {sample.name for sample in SAMPLES if sample.terminal}


def test_the_error_codes_of_a_turn_are_the_sdks() -> None:
    (row,) = (r for r in FRONTEND.table("## Events") if "agent-error" in r[0])
    listed = row[2].partition("Codes: ")[2].split(", ")
    assert listed == words((sdk.AgentFailure.__doc__ or "").partition("Codes in use:")[2])


def test_every_status_of_an_error_is_documented_for_frontends() -> None:
    listed = {int(row[0]) for row in FRONTEND.table("## Errors")}
    # 431 is answered before a request is one
    assert listed == {*STATUS.values(), 431, 500}


def test_every_state_and_code_of_a_sign_in_is_documented_for_frontends() -> None:
    rows = FRONTEND.table("### States of a sign-in")
    assert [words(row[0])[0] for row in rows] == list(get_args(FlowState))
    rows = FRONTEND.table("### States of a connection")
    assert {word for row in rows for word in words(row[0])} == set(get_args(ConnectionState))
    rows = FRONTEND.table("### Codes of sign-ins")
    listed = {word: int(row[1]) for row in rows for word in words(row[0])}
    assert listed == {code: _status_of(error) for code, error in ERRORS.items()}


def _status_of(error: type[sdk.XoError]) -> int:
    return next(STATUS[base] for base in error.__mro__ if base in STATUS)


def test_every_error_class_is_documented_with_its_status() -> None:
    rows = PLUGINS.table("## Errors")
    listed = {name: int(status[:3]) for names, status in rows for name in words(names)}
    assert listed == {kind.__name__: status for kind, status in STATUS.items()}


def test_every_state_of_a_plugin_is_explained() -> None:
    listed = [state for row in PLUGINS.table("## When it breaks") for state in words(row[0])]
    assert set(listed) == set(get_args(PluginState))


def test_the_hooks_are_documented_with_their_exact_signatures() -> None:
    shown = [ast.parse(b.text).body[0] for b in PLUGINS.blocks if "hook" in b.words]
    listed = {node.name: signature(node) for node in shown if isinstance(node, ast.FunctionDef)}
    assert listed == {node.name: signature(node) for node in hook_definitions()}


def test_every_ability_is_in_the_table_with_its_methods() -> None:
    rows = PLUGINS.table("## Abilities")
    listed = {words(row[0])[0]: {text.partition("(")[0] for text in words(row[1])} for row in rows}
    others = {"Runtime", "Transcript"}
    assert listed == {
        name: set(value.__abstractmethods__)
        for module in RUNTIME_MODULES
        for name in module.__all__
        if name not in others and inspect.isabstract(value := getattr(module, name))
    }
    assert {kind.__name__ for kind in ABILITIES.values()} == set(listed)


def test_every_method_of_a_transcript_is_in_its_table() -> None:
    rows = PLUGINS.table("## Histories in files")
    listed = {text.partition("(")[0] for row in rows for text in words(row[0])}
    assert listed == {name for name in vars(transcripts.Transcript) if not name.startswith("_")}


@pytest.mark.parametrize(
    "name", sorted({name for module in PUBLIC_MODULES for name in module.__all__})
)
def test_every_public_name_of_the_sdk_is_in_the_plugin_authors_page(name: str) -> None:
    assert name in {word for text in words(PLUGINS.prose) for word in re.findall(r"\w+", text)}


def test_the_settings_page_is_what_the_code_generates() -> None:
    assert page("docs/settings.md").text == wanted(), "run: python -m tests.docs.settings_page"


def test_features_that_the_readme_calls_missing_are_missing(tmp_path: Path) -> None:
    missing = page("README.md").section("## Not there yet")
    paths = create_app(read_settings({"XO_STATE_DIR": str(tmp_path)})).openapi()["paths"]
    for word, prefix in FAMILIES.items():
        there = any(path.startswith(prefix) for path in paths)
        assert (word in missing) != there, f"{prefix}: is it there? The README calls it missing."


def test_every_command_is_in_a_page_and_pages_name_existing_commands(tmp_path: Path) -> None:
    shown = "\n".join(text for p in own_pages() for text in (*words(p.prose), p.text))
    groups = "|".join(GROUPS)
    named = set(re.findall(rf"xo-cowork ((?:(?:{groups}) )?[a-z]+)", shown)) - GROUPS
    assert named == set(commands(tmp_path))


def signature(node: ast.FunctionDef) -> str:
    arguments, returns = ast.unparse(node.args), ast.unparse(node.returns or ast.Constant(None))
    return f"({arguments}) -> {returns}".replace("'", "")


def hook_definitions() -> Iterator[ast.FunctionDef]:
    (definition,) = ast.parse(inspect.getsource(hooks.Hooks)).body
    assert isinstance(definition, ast.ClassDef)
    return (node for node in definition.body if isinstance(node, ast.FunctionDef))


def commands(home: Path) -> list[str]:
    """What the command line itself lists."""
    inner = [f"{group} {name}" for group in GROUPS for name in _listed(home, group)]
    return [name for name in _listed(home) if name not in GROUPS] + inner


def _listed(home: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "xo_cowork_core", *arguments, "--help"],
        check=False,
        env={"PATH": os.defpath, "HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    _, _, listed = done.stdout.partition("Commands")
    return re.findall(r"^\W*([a-z]+) ", listed, re.MULTILINE)
