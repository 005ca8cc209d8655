"""The environment that gives git a helper: it adds to what is there, and git reads it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from xo_cowork_core.services.git_credentials.git_environment import add_helper

HOSTS = ("github.com", "git.acme.test:8443")
HELPER = ("/opt/py thon", "/opt/it's/helper.py", "http://127.0.0.1:5002/api/git/credential")


def revealed(environment: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in environment.items()}


def settings_of(environment: Mapping[str, str], key: str) -> list[str]:
    """Return what git reads for a key."""
    run = subprocess.run(
        ["git", "config", "--null", "--get-all", key],
        cwd="/",  # outside this repository
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return run.stdout.split("\0")[:-1]


def test_git_reads_the_helper_after_the_settings_that_are_there() -> None:
    before = {
        "GIT_CONFIG_COUNT": SecretStr("1"),
        "GIT_CONFIG_KEY_0": SecretStr("user.name"),
        "GIT_CONFIG_VALUE_0": SecretStr("Octo"),
    }
    environment = revealed({**before, **add_helper(before, HOSTS, HELPER)})
    assert environment["GIT_CONFIG_COUNT"] == "5"
    assert settings_of(environment, "user.name") == ["Octo"]
    for host in HOSTS:
        reset, command = settings_of(environment, f"credential.https://{host}.helper")
        assert reset == ""
        assert command.startswith("!'/opt/py thon' ")
        assert command.endswith(" " + ",".join(HOSTS))


def test_a_helper_with_spaces_and_quotes_in_its_path_is_run_for_its_hosts_alone(
    tmp_path: Path,
) -> None:
    program = tmp_path / "a 'helper'"
    program.write_text('#!/bin/sh\necho "username=$1"; echo "password=$3"\n')
    program.chmod(0o755)
    entries = add_helper({}, HOSTS, [str(program), "an argument"])
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **revealed(entries)}
    for host, expected in ((HOSTS[0], "password=get"), (HOSTS[1], "password=get"), ("x.test", "")):
        run = subprocess.run(
            ["git", "credential", "fill"],
            cwd=tmp_path,
            env=environment,
            input=f"protocol=https\nhost={host}\n\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert expected in run.stdout
        assert bool(expected) == ("username=an argument" in run.stdout)


@pytest.mark.parametrize("count", ["", "-1", "one", "1.0", "²", "1001", "9" * 5000])
def test_a_count_that_git_would_not_take_is_left_alone(count: str) -> None:
    assert add_helper({"GIT_CONFIG_COUNT": SecretStr(count)}, HOSTS, HELPER) == {}


def test_a_prompt_that_somebody_wants_is_kept() -> None:
    entries = add_helper({"GIT_TERMINAL_PROMPT": SecretStr("1")}, HOSTS, HELPER)
    assert "GIT_TERMINAL_PROMPT" not in entries
    assert add_helper({}, HOSTS, HELPER)["GIT_TERMINAL_PROMPT"] == SecretStr("0")


@given(
    count=st.integers(min_value=0, max_value=1000),
    hosts=st.lists(st.sampled_from(["a.test", "b.test", "c.test"]), unique=True),
)
def test_entries_are_numbered_without_gaps_and_replace_none(count: int, hosts: list[str]) -> None:
    before = {"GIT_CONFIG_COUNT": SecretStr(str(count))}
    entries = revealed(add_helper(before, hosts, HELPER))
    if not hosts:
        assert entries == {}
        return
    numbers = range(count, int(entries["GIT_CONFIG_COUNT"]))
    assert len(numbers) == 2 * len(hosts)
    for kind in ("KEY", "VALUE"):
        names = {name for name in entries if name.startswith(f"GIT_CONFIG_{kind}_")}
        assert names == {f"GIT_CONFIG_{kind}_{number}" for number in numbers}
