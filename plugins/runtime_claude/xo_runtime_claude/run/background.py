"""Subagents that continue after the model's answer, and the turn's figures until they end.

Claude Code starts subagents in the background: the model answers, each subagent ends, the model
takes up its report. All of that is one turn to the user. Background commands are not waited for:
many of them never end.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xo_cowork_core.sdk import Done

AWAITED_TASKS = ("local_agent", "local_workflow")  # not a set: a task may be of any type


class BackgroundWork:
    """What a process does after the model's answer. `held` has the figures so far while the turn
    waits for subagents; `agents` counts those that work."""

    def __init__(self) -> None:
        self.agents = 0
        self.held: Done | None = None
        self._working = False

    @property
    def is_idle(self) -> bool:
        """Whether the turn is held and the model is not writing another answer."""
        return self.held is not None and not self._working

    @property
    def is_settling(self) -> bool:
        """Whether all subagents ended, and only a last answer may come."""
        return self.is_idle and not self.agents

    def note_system(self, record: Mapping[str, Any]) -> None:
        """Take a `system` record, which may list subagents or show that the model works."""
        subtype, tasks = record.get("subtype"), record.get("tasks")
        if subtype == "background_tasks_changed" and isinstance(tasks, list):
            kinds = [task.get("task_type") for task in tasks if isinstance(task, Mapping)]
            self.agents = sum(kind in AWAITED_TASKS for kind in kinds)
        elif subtype in ("init", "status"):
            self._working = True

    def add_answer(self, done: Done) -> Done:
        """Return the turn's figures: an answer's and those of the answers before it."""
        self._working = False
        before = self.held
        if before:
            tokens = before.tokens + done.tokens if before.tokens and done.tokens else None
            known = before.cost is not None and done.cost is not None
            cost = (before.cost or 0) + (done.cost or 0) if known else None
            done = replace(done, tokens=tokens or done.tokens or before.tokens, cost=cost)
        return done

    def hold(self, done: Done) -> None:
        """Keep the turn open after this answer."""
        self.held = done
