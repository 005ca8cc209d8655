"""Subagents that go on when the model has said its last word, and a turn's figures until they end.

Claude Code starts subagents in the background: the model answers, then each of them ends, then the
model takes the report up by itself. All of that is one turn to the user. Commands in the background
are not waited for: many of them never end.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xo_cowork_core.sdk import Done

AWAITED = ("local_agent", "local_workflow")  # not a set: a task may be of any type


class Background:
    """What a process does behind one turn."""

    def __init__(self) -> None:
        self.agents = 0
        self.held: Done | None = None
        self._working = False

    @property
    def idle(self) -> bool:
        """Say whether the model's answer is over and the model doesn't work at another."""
        return self.held is not None and not self._working

    @property
    def settling(self) -> bool:
        """Say whether nothing is left to wait for but a last word, which may not come."""
        return self.idle and not self.agents

    def look(self, record: Mapping[str, Any]) -> None:
        """Take a `system` record: which subagents there are, and whether the model works."""
        subtype, tasks = record.get("subtype"), record.get("tasks")
        if subtype == "background_tasks_changed" and isinstance(tasks, list):
            kinds = [task.get("task_type") for task in tasks if isinstance(task, Mapping)]
            self.agents = sum(kind in AWAITED for kind in kinds)
        elif subtype in ("init", "status"):
            self._working = True

    def take(self, done: Done) -> Done:
        """Add an answer's figures to those before it."""
        self._working = False
        before = self.held
        if before:
            tokens = before.tokens + done.tokens if before.tokens and done.tokens else None
            known = before.cost is not None and done.cost is not None
            cost = (before.cost or 0) + (done.cost or 0) if known else None
            done = replace(done, tokens=tokens or done.tokens or before.tokens, cost=cost)
        return done

    def hold(self, done: Done) -> None:
        """Keep the turn open behind this answer."""
        self.held = done
