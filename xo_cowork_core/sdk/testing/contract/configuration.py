"""Cases: what a runtime shows of its configuration is true of its plugin, and holds no secret."""

from collections.abc import Mapping
from typing import Any

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import Cases
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

LISTS = ("/api/tools", "/api/mcp/status", "/api/automations", "/api/skills")
MIN_SECRET_CHARACTERS = 8


class ConfigurationCases(Cases):
    """Providers, the configuration, and the lists of what agents work with."""

    def test_the_key_of_a_provider_is_a_secret_that_the_plugin_declares(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        plugin, abilities = plugin_of(chat, subject)
        rows = chat.http.get("/api/config/providers").json()
        own = [row for row in rows if subject.agent_name in row["runtimes"]]
        assert bool(own) == ("lists_providers" in abilities)
        if not own:
            return skip_without("providers")
        declared = plugin["secrets_schema"]["properties"]
        assert {row["env_key"] for row in own} <= set(declared)
        ids = [row["id"] for row in own]
        assert len(set(ids)) == len(ids)
        assert all(name == name.strip().lower() for name in ids)
        return None

    def test_nothing_that_it_shows_holds_a_secret(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        plugin, _ = plugin_of(chat, subject)
        keys = plugin["secrets_schema"]["properties"]
        values = [subject.environment[key] for key in keys if key in subject.environment]
        secrets = [value for value in values if len(value) >= MIN_SECRET_CHARACTERS]
        for path in (f"/api/config/agents/{subject.agent_name}", *LISTS):
            answer = chat.http.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            assert not [value for value in secrets if value in answer.text], path


def plugin_of(chat: Chat, subject: RuntimeSubject) -> tuple[Mapping[str, Any], set[str]]:
    """Return the plugin's row, and the abilities of its runtime."""
    for plugin in chat.http.get("/api/plugins").json()["plugins"]:
        for runtime in plugin["runtimes"]:
            if runtime["name"] == subject.agent_name:
                return plugin, set(runtime["abilities"])
    raise AssertionError(f"no plugin has the runtime {subject.agent_name}")
