"""The error of a wrong declaration tells the plugin's author what to write instead."""

from collections.abc import Iterator
from textwrap import indent

import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually, install_plugin

HEAD = """
from fastapi import APIRouter
from xo_cowork_core.sdk import *

class Plain(Runtime):
    def __init__(self, **info):
        self.info = {"name": "plain", "title": "Plain", **info}

    def describe(self):
        return RuntimeInfo(**self.info)

    async def run(self, turn):
        yield TextDelta(turn.text)
"""
# a mistake: the hook, and what its author should read
MISTAKES = {
    "misspelt_hook": (
        "@hookimpl\ndef xo_runtime(self, context):\n    return [Plain()]",
        "unknown hook 'xo_runtime'; the hooks are xo_contributes, xo_secrets, xo_runtimes",
    ),
    "unknown_argument": (
        "@hookimpl\ndef xo_runtimes(self, ctx):\n    return [Plain()]",
        "{'ctx'} are declared in the hookimpl but can not be found",
    ),
    "no_return": (
        "@hookimpl\ndef xo_runtimes(self):\n    [Plain()]",
        "xo_runtimes() must return a list of Runtime, not None; does it lack its `return`?",
    ),
    "no_list": (
        "@hookimpl\ndef xo_runtimes(self):\n    return Plain()",
        "xo_runtimes() must return a list of Runtime, not Plain",
    ),
    "a_class": (
        "@hookimpl\ndef xo_runtimes(self):\n    return [Plain]",
        "not the class Plain; make it an object, Plain(…)",
    ),
    "async_hook": (
        "@hookimpl\nasync def xo_runtimes(self):\n    return [Plain()]",
        "not a coroutine: write `def`, not `async def`",
    ),
    "no_claims": (
        "@hookimpl\ndef xo_contributes(self):\n    Contributions()",
        "xo_contributes() must return Contributions, not None; does it lack its `return",
    ),
    "name_with_blank": (
        "@hookimpl\ndef xo_runtimes(self):\n    return [Plain(name='My Agent')]",
        "its runtime's name 'My Agent' is no name like acme or acme-cli",
    ),
    "alias_as_text": (
        "@hookimpl\ndef xo_runtimes(self):\n    return [Plain(aliases='polly')]",
        "RuntimeInfo.aliases must be a list of str, not str: put it into a list",
    ),
    "setting_in_small": (
        "@hookimpl\ndef xo_contributes(self):\n"
        "    return Contributions(settings=[Setting('acme_url', '?')])",
        "its setting 'acme_url' is no name like ACME_URL",
    ),
    "secret_with_blank": (
        "@hookimpl\ndef xo_secrets(self):\n    return [SecretField('acme key', 'Key')]",
        "its secret 'acme key' is no name like ACME_KEY",
    ),
    "env_file_without_place": (
        "@hookimpl\ndef xo_contributes(self):\n    return Contributions(env_file='acme.env')",
        "its env file 'acme.env' is no path like ~/.acme/env",
    ),
    "lifespan_without_context": (
        "@hookimpl\nasync def xo_lifespan(self, context):\n    yield",
        "xo_lifespan must return a context",
    ),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict]]:
    folder = tmp_path_factory.mktemp("plugins")
    for name, (hook, _) in MISTAKES.items():
        source = f"{HEAD}\nclass Plugin:\n{indent(hook, '    ')}\n\nplugin = Plugin()\n"
        install_plugin(folder, f"plugin_{name}", source)
    install_plugin(folder, "plugin_class_itself", f"{HEAD}\nclass plugin:\n    pass\n")
    with LiveServer(environment={"XO_PLUGINS": "all"}, python_path=[folder]) as server:

        def rows() -> dict[str, dict]:
            found = server.client.get("/api/plugins").json()["plugins"]
            return {row["name"]: row for row in found}

        late = "plugin_lifespan_without_context"
        eventually(lambda: rows()[late]["state"] == "failed", 15, "the lifespan is refused")
        yield rows()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_declaration_is_refused_with_what_to_write(records, mistake):
    record = records[f"plugin_{mistake}"]
    assert record["state"] == "failed"
    assert MISTAKES[mistake][1] in record["error"]


def test_a_class_as_entry_point_is_refused_as_one(records):
    error = records["plugin_class_itself"]["error"]
    assert error == "its entry point is the class plugin: make it an object, plugin()"
