"""Agents that speak ACP get the MCP servers of connectors where they take servers over HTTP."""

import json

from xo_cowork_core.sdk.testing import Chat, Connections, LiveServer


def test_an_agent_gets_the_servers_of_each_turn(server: LiveServer, acme: Connections) -> None:
    chat = Chat(server, "acp_agent")
    first = chat.run_turn("servers")
    (row,) = json.loads(first.text)
    assert (row["type"], row["name"]) == ("http", "xo_acme")
    assert row["url"] == str(server.client.base_url.join("/mcp/acme"))
    (header,) = row["headers"]
    assert header["name"] == "Authorization"
    assert header["value"].startswith("Bearer ")
    assert json.loads(chat.run_turn("servers", session_id=first.session_id).text) == [row]
    acme.disconnect()
    assert json.loads(chat.run_turn("servers", session_id=first.session_id).text) == []


def test_an_agent_that_takes_no_servers_over_http_gets_none(
    server: LiveServer, acme: Connections
) -> None:
    assert json.loads(Chat(server, "older_agent").run_turn("servers").text) == []
