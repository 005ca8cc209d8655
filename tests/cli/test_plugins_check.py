"""`plugins check` finds before the start what would fail in use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import install_plugin

HEAD = """
from xo_cowork_core.sdk import *

class Plain(Runtime):
    def describe(self):
        return RuntimeInfo("{name}", "Plain")
    {run}
    {method}

class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Plain()]
    {hook}

plugin = Plugin()
"""
RUN = "async def run(self, turn): yield TextDelta('x')"
# what is wrong: the method run, another method, a hook, and what is printed
MISTAKES = {
    "run_coroutine": ("async def run(self, turn): return []", "", "", "write `async def run("),
    "run_generator": ("def run(self, turn): yield TextDelta('x')", "", "", "write `async def run("),
    "run_plain": (
        "def run(self, turn): return []",
        "",
        "",
        "run() is a plain function: write `asy",
    ),
    "ability_without_base": (
        RUN,
        "async def models(self): return []",
        "",
        "it has models(), but ListsModels is no base class of its runtime",
    ),
    "lifespan_none": (
        RUN,
        "",
        "@hookimpl\n    def xo_lifespan(self): pass",
        "xo_lifespan() must return a context, not None: use @asynccontextmanager",
    ),
    "core_import": (
        RUN,
        "from xo_cowork_core.storage import atomic",
        "",
        "plugin.py:8 imports xo_cowork_core.storage: import xo_cowork_core.sdk alone",
    ),
    "healthy": (RUN, "", "", "ok"),
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The result of one check of all these plugins."""
    folder = tmp_path_factory.mktemp("plugins")
    for name, (run, method, hook, _) in MISTAKES.items():
        source = HEAD.format(name=name, run=run, method=method, hook=hook)
        install_plugin(folder, f"plugin_{name}", source)
    plain = HEAD.format(name="sync", run=RUN, method="def models(self): return []", hook="")
    plain = plain.replace("class Plain(Runtime)", "class Plain(Runtime, ListsModels)")
    install_plugin(folder, "plugin_ability_plain", plain)
    source = HEAD.format(name="open", run=RUN, method="", hook="")
    install_plugin(folder, "plugin_no_range", source, requires="xo-cowork-core")
    drop_ins = folder / "plugins.d"
    drop_ins.mkdir()
    names = [*(f"plugin_{name}" for name in MISTAKES), "plugin_ability_plain", "plugin_no_range"]
    (drop_ins / "base.toml").write_text(f"plugins = {names}\nplugin = []\n")
    return check(folder, XO_PLUGINS_DIR=str(drop_ins))


def check(
    folder: Path, command: str = "plugins check", **environment: str
) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "xo_cowork_core", *command.split()],
        env=variables | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def section(output: str, plugin: str) -> str:
    """Return the lines about one plugin."""
    lines = output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{plugin} "))
    end = next((i for i in range(start + 1, len(lines)) if lines[i][0] != " "), len(lines))
    return "\n".join(lines[start:end])


@pytest.mark.parametrize("name", MISTAKES)
def test_each_plugin_is_printed_with_what_is_wrong(checked, name):
    assert MISTAKES[name][-1] in section(checked.stdout, f"plugin_{name}")


def test_a_rule_that_is_broken_exits_1_without_a_traceback(checked):
    assert checked.returncode == 1
    assert "Traceback" not in checked.stderr
    assert "models() is no coroutine: write `async def models`" in section(
        checked.stdout, "plugin_ability_plain"
    )
    assert "requires no range of versions of xo-cowork-core: write xo-cowork-core>=" in section(
        checked.stdout, "plugin_no_range"
    )
    assert "plugin in" in checked.stdout
    assert "did you mean plugins?" in checked.stdout


def test_a_name_without_its_kind_is_corrected(tmp_path: Path):
    result = check(tmp_path, XO_PLUGINS="demo")
    assert result.returncode == 1
    assert "Did you mean runtime_demo?" in result.stdout


def test_doctor_names_a_required_secret_without_a_value_and_a_fault(tmp_path: Path):
    source = HEAD.format(
        name="needy",
        run=RUN,
        method="async def health(self): return True",
        hook="@hookimpl\n    def xo_secrets(self): return SECRETS",
    )
    source = source.replace("class Plain(Runtime)", "class Plain(Runtime, ChecksHealth)")
    secret = "SECRETS = [SecretField('NEEDY_KEY', 'Key', required=True)]"
    install_plugin(tmp_path, "plugin_needy", f"{source}\n{secret}\n")
    install_plugin(tmp_path, "plugin_wrong", f"{source}\nSECRETS = []\n".replace("needy", "wrong"))
    result = check(tmp_path, command="doctor", XO_PLUGINS="plugin_needy,plugin_wrong")
    assert result.returncode == 1
    assert "plugin plugin_needy: needs configuration" in result.stdout
    assert "Set NEEDY_KEY in" in result.stdout
    assert "health() must return Health, not bool: write `return Health(state=…)`" in result.stdout
