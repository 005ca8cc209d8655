"""What an agent that speaks the Agent Client Protocol offers in its sessions."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.kit.json_fields import items, mapping, string
from xo_cowork_core.sdk.runtime.runtime import Skill

T = TypeVar("T")
MAX_FOLDERS = 200
PLAN = "plan"


class AcpCommands:
    """The commands that the newest session of each folder offers."""

    def __init__(self) -> None:
        # both with the newest entry last
        self._folders: OrderedDict[str, Path] = OrderedDict()
        self._commands: OrderedDict[str, Sequence[Json]] = OrderedDict()

    def open(self, session: str, cwd: Path) -> None:
        """Note the folder of a session, which may offer its commands before or after that."""
        _put(self._folders, session, cwd)

    def update(self, session: str, commands: Sequence[Json]) -> None:
        """Note what a session offers now."""
        _put(self._commands, session, commands)

    def skills(self, cwd: Path) -> Sequence[Skill]:
        """Return the commands of a folder; none before its first session."""
        for session in reversed(self._commands):
            if self._folders.get(session) == cwd:
                rows = self._commands[session]
                return [
                    Skill(string(row.get("name")), string(row.get("description")))
                    for row in rows
                    if string(row.get("name"))
                ]
        return []


def choose_mode(wanted: str, modes: Json) -> str:
    """Return the id of the mode to set, of the `modes` of a session; empty when none is.

    An agent may have no `build`: then its first mode that is not `plan` ends one that was `plan`.
    """
    ids = [string(row.get("id")) for row in items(modes.get("availableModes"))]
    current = string(modes.get("currentModeId"))
    if wanted not in ids:
        others = [each for each in ids if each != PLAN]
        wanted = others[0] if wanted != PLAN and current == PLAN and others else ""
    return "" if wanted == current else wanted


def find_option(options: Sequence[Json], category: str) -> Json:
    """Return the configuration option of a category, such as `model`; an empty one for none."""
    for option in options:
        if category in (option.get("category"), option.get("id")):
            return option
    return mapping(None)


def _put(table: "OrderedDict[str, T]", session: str, value: T) -> None:
    table[session] = value
    table.move_to_end(session)
    if len(table) > MAX_FOLDERS:
        table.popitem(last=False)
