"""Wheels of the core and of chosen plugins, installed where the source tree is not."""

import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import httpx

from tests.support.installed_host import ROOT, InstalledHost
from xo_cowork_core.sdk.testing.ports import free_port

START_SECONDS = 60
PAGE = ROOT / "docs" / "images.md"


def test_every_distribution_builds_a_wheel_without_tests(wheels: Path) -> None:
    projects = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
    names = {tomllib.loads(file.read_text())["project"]["name"] for file in projects}
    built = {
        wheel.name.partition("-")[0].replace("_", "-"): wheel for wheel in wheels.glob("*.whl")
    }
    assert built.keys() == names
    for wheel in built.values():
        package, version, _ = wheel.name.split("-", 2)
        top_level = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
        assert top_level == {package, f"{package}-{version}.dist-info"}


def test_every_plugin_has_an_extra_of_the_core() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name for names in project["optional-dependencies"].values() for name in names}
    plugins = [tomllib.loads(file.read_text()) for file in ROOT.glob("plugins/*/pyproject.toml")]
    loadable = {each["project"]["name"] for each in plugins if "entry-points" in each["project"]}
    assert loadable and loadable <= extras


def test_the_page_for_image_builders_names_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    line = re.search(r"An extra of the core brings one plugin: (.*?)\.", PAGE.read_text())
    assert line
    assert set(re.findall(r"`(\w+)`", line[1])) == {
        name for name in project["optional-dependencies"] if name != "testing"
    }


def test_the_wheel_of_the_core_holds_each_of_its_files(wheels: Path) -> None:
    wheel = next(wheels.glob("xo_cowork_core-*.whl"))
    packed = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "xo_cowork_core"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert set(listed.stdout.split("\n")) - {""} <= packed


def test_only_the_plugins_of_the_chosen_extras_are_there(
    installed_host: InstalledHost, tmp_path: Path
) -> None:
    checked = installed_host.run("xo-cowork", "plugins", "check", home=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    names = [line.split()[0] for line in checked.stdout.splitlines()]
    assert {name for name in names if name.startswith("runtime_")} == {
        "runtime_claude",
        "runtime_demo",
    }


def test_nothing_of_the_installed_server_comes_from_the_source_tree(
    installed_host: InstalledHost, tmp_path: Path
) -> None:
    script = (
        "import sys, xo_cowork_core.cli, xo_cowork_core.host.app, xo_runtime_demo.plugin\n"
        "print(*{module.__file__ for module in sys.modules.values()"
        " if getattr(module, '__file__', None)}, sep='\\n')"
    )
    printed = installed_host.run("python", "-c", script, home=tmp_path)
    assert printed.returncode == 0, printed.stderr
    files = printed.stdout.splitlines()
    assert any(name.startswith(str(installed_host.site)) for name in files)
    assert not [name for name in files if name.startswith(str(ROOT / "xo_cowork_core"))]


def test_the_installed_server_starts_and_runs_a_turn(
    installed_host: InstalledHost, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [installed_host.bin / "xo-cowork", "serve"],
        env={
            "PATH": f"{installed_host.bin}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PORT": address.rpartition(":")[2],
        },
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        while "listening on" not in (line := server.stdout.readline()):
            assert line, "the server ended before it listened"
        with httpx.Client(base_url=address, trust_env=False, timeout=START_SECONDS) as client:
            health = client.get("/health").json()
            assert health["plugins"] == {"runtime_claude": "ready", "runtime_demo": "ready"}
            folder = {"path": "~/xo-projects/shop", "scaffold": True}
            assert client.post("/api/files/mkdir", json=folder).is_success
            assert (tmp_path / "xo-projects" / "shop" / "AGENTS.md").is_file()
            prompt = {"text": "hello", "agent_name": "demo", "agent_id": "shop"}
            stream = client.post("/api/chat/prompt", json=prompt).json()["stream_id"]
            assert "event: done" in client.get(f"/api/chat/stream/{stream}").text
    finally:
        server.terminate()
        server.communicate(timeout=START_SECONDS)
    assert server.returncode == 0


def test_a_plugin_that_is_installed_later_is_found_at_once(
    installed_host: InstalledHost, tmp_path: Path
) -> None:
    # a second image layer; another test counts on the first one's plugins
    installed_host.install("xo-runtime-codex")
    try:
        checked = installed_host.run("xo-cowork", "plugins", "check", home=tmp_path)
        assert "runtime_codex" in checked.stdout
    finally:
        installed_host.uninstall("xo-runtime-codex")
