"""The demo passes the runtime contract."""

import json

import pytest

from xo_cowork_core.sdk.testing import RuntimeContract, RuntimeSubject


class TestDemo(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> RuntimeSubject:
        return RuntimeSubject(
            agent_name="demo",
            plugins="runtime_demo",
            abilities=frozenset({"interrupts", "answers", "edits_history"}),
            counts_tokens=True,
            say=lambda text: f"echo {json.dumps(text)}",
            nothing=lambda: "silent 0",
            slow_text=lambda seconds: f"slow {seconds}",
            slow_tool=lambda seconds: f"wait {seconds}",
            tool=lambda name, content: f"tools {name} {json.dumps(content)}",
            reasoning=lambda: "reasoning",
            permission=lambda name: f"permission {name}",
            question=lambda: "question",
            plan=lambda: "plan",
            fail=lambda code: f"error {code}",
            failures={
                "rate_limit": "rate limit is reached",
                "auth": "not signed in",
                "overloaded": "overloaded",
            },
            die=lambda: "crash",
            long_line=lambda characters: f"huge {characters}",
        )
