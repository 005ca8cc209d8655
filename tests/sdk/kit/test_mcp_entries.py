"""MCP servers are read from any JSON, without what may be secret."""

from hypothesis import given
from hypothesis import strategies as st

from xo_cowork_core.sdk.kit import read_mcp_entries
from xo_cowork_core.sdk.runtime.catalog import McpServer

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
words = st.sampled_from(["command", "url", "type", "transport", "enabled", "disabled", "args"])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words | st.text(max_size=3), inner, max_size=4)
    ),
)


@given(entries=values)
def test_any_value_gives_servers_that_it_names(entries: object) -> None:
    servers = read_mcp_entries(entries)
    names = [server.name for server in servers]
    assert len(set(names)) == len(names)
    assert not names or (isinstance(entries, dict) and set(names) <= set(entries))


def test_a_server_is_read_without_its_command_address_and_headers() -> None:
    entries = {
        "local": {"command": "node", "args": ["--token", "planted"], "env": {"A": "planted"}},
        "web": {"url": "https://example.com/?key=planted", "headers": {"A": "planted"}},
        "events": {"url": "https://example.com", "transport": "sse"},
        "off": {"command": "node", "enabled": False},
        "refused": {"command": "node"},
        "nothing": {"args": []},
    }
    servers = read_mcp_entries(entries, scope="project", disabled=["refused"])
    assert "planted" not in repr(servers)
    assert servers == [
        McpServer("local", "stdio", "project"),
        McpServer("web", "http", "project"),
        McpServer("events", "sse", "project"),
        McpServer("off", "stdio", "project", enabled=False),
        McpServer("refused", "stdio", "project", enabled=False),
    ]
