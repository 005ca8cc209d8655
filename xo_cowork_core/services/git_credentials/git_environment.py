"""The environment that gives git a credential helper for some hosts, without a file.

git reads `GIT_CONFIG_COUNT` settings from `GIT_CONFIG_KEY_<n>` and `GIT_CONFIG_VALUE_<n>` (2.31 and
later); they win over those of files.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pydantic import SecretStr

Environment: TypeAlias = Mapping[str, SecretStr]
COUNT = "GIT_CONFIG_COUNT"
NO_PROMPT = "GIT_TERMINAL_PROMPT"
MAX_SETTINGS = 1000
MAX_DIGITS = 4


def add_helper(
    environment: Environment, hosts: Sequence[str], helper: Sequence[str]
) -> Environment:
    """Return the entries with which git asks `helper` for the credentials of `hosts`.

    They come after the settings that `environment` has already; none where its count is no number.
    Helpers of the person's own configuration are not asked for these hosts: they would come first,
    and may sign in as somebody else.
    """
    count = _count(environment)
    if count is None or not hosts:
        return {}
    command = "!" + shlex.join([*helper, ",".join(hosts)])
    settings = [
        (f"credential.https://{host}.helper", value) for host in hosts for value in ("", command)
    ]
    entries = {COUNT: str(count + len(settings))}
    for number, (key, value) in enumerate(settings, start=count):
        entries[f"GIT_CONFIG_KEY_{number}"] = key
        entries[f"GIT_CONFIG_VALUE_{number}"] = value
    if NO_PROMPT not in environment:
        # nobody sits at an agent's terminal
        entries[NO_PROMPT] = "0"
    return {name: SecretStr(value) for name, value in entries.items()}


def _count(environment: Environment) -> int | None:
    if COUNT not in environment:
        return 0
    text = environment[COUNT].get_secret_value()
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if is_number and int(text) <= MAX_SETTINGS else None
