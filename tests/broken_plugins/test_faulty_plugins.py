"""A broken plugin never stops the host: one test for each way to be broken."""

import time
from pathlib import Path

import pytest

from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


@pytest.mark.parametrize(
    ("fault", "culprit"),
    [
        ("import_error", "a_module_that_nobody_has"),
        ("assertion", "AssertionError: the world is not as it was"),
        ("system_exit", "SystemExit: 3"),
        ("misspelt_hook", "xo_routes"),
        ("raising_hook", "xo_routers raised SystemExit: the printer is on fire"),
        ("same_runtime", "its runtime neighbour is plugin_neighbour's already"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_listed_and_skipped(serve_plugin, fault, culprit):
    found = serve_plugin(fault)
    found.assert_others_work()
    record = found.record("plugin_broken")
    assert record["state"] == "failed"
    assert culprit in record["error"]


def test_nothing_of_a_plugin_stays_when_its_last_hook_raises(serve_plugin):
    found = serve_plugin("raising_hook")
    assert "half" not in found.client.get("/health").json()["runtimes"]
    assert found.client.get("/api/half/x").status_code == 404
    prompt = {"text": "hi", "agent_name": "half"}
    assert found.client.post("/api/chat/prompt", json=prompt).status_code == 400


def test_a_plugin_for_another_core_is_not_imported(serve_plugin):
    found = serve_plugin("leaves_a_mark", requires="xo-cowork-core>=99")
    found.assert_others_work()
    record = found.record("plugin_broken")
    assert record["state"] == "incompatible"
    assert ">=99" in record["error"]
    assert not (found.server.home / "imported").exists()


def test_a_plugin_that_is_not_enabled_is_not_imported(serve_plugin):
    found = serve_plugin("leaves_a_mark", XO_PLUGINS="plugin_neighbour")
    found.assert_others_work()
    assert found.record("plugin_broken")["state"] == "disabled"
    assert not (found.server.home / "imported").exists()


def test_a_plugin_that_is_enabled_and_absent_is_missing(serve_plugin):
    found = serve_plugin()
    found.assert_others_work()
    assert found.record("plugin_broken")["state"] == "missing"


def test_two_distributions_with_one_name_are_both_refused(serve_plugin, tmp_path: Path):
    info = tmp_path / "xo_aaa_twin-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xo-aaa-twin\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(
        "[xo_cowork.plugins]\nplugin_broken = xo_plugin_broken.plugin:plugin\n"
    )
    found = serve_plugin("leaves_a_mark")
    found.assert_others_work()
    record = found.record("plugin_broken")
    assert record["state"] == "failed"
    assert "xo-aaa-twin" in record["error"]
    assert "xo-plugin-broken" in record["error"]
    assert not (found.server.home / "imported").exists()


@pytest.mark.parametrize(
    ("routes", "culprit"),
    [
        ("/api/mine;GET /api/mine/a,GET /api/yours/b", "GET /api/yours/b lies outside its claims"),
        ("/api/mine;GET /api/mine/{a},GET /api/mine/{b}", "GET /api/mine/{} twice"),
        ("/api/mine;GET /api/minestrone", "lies outside its claims"),
        ("/api/chat;GET /api/chat/spy", "overlaps /api/chat of the core"),
        ("/api/chat/spy;GET /api/chat/spy", "overlaps /api/chat of the core"),
        ("/api;GET /api/x", "which is the core's"),
        ("/;GET /x", "no plain path"),
        ("/api/{any};GET /api/x", "no plain path"),
        ("/api/neighbour/deep;GET /api/neighbour/deep/x", "of plugin_neighbour"),
    ],
)
def test_routers_with_a_forbidden_route_are_refused(serve_plugin, routes, culprit):
    found = serve_plugin("bad_routes", FAULTY_ROUTES=routes)
    found.assert_others_work()
    record = found.record("plugin_broken")
    assert record["state"] == "failed"
    assert culprit in record["error"]
    assert record["routes"] == []
    for path in ("/api/mine/a", "/api/yours/b", "/api/chat/spy"):
        assert found.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("fault", "culprit"),
    [
        ("raise", "LazyRouter.build raised SystemExit: no paper"),
        ("hang", "LazyRouter.build() took longer than 5 s"),
        ("nothing", "LazyRouter.build() must return APIRouter, not None"),
        ("outside", "GET /api/yours lies outside its claims"),
    ],
)
def test_a_plugin_whose_lazy_routes_are_wrong_is_taken_out(serve_plugin, fault, culprit):
    found = serve_plugin("lazy_routes", FAULTY_FAULT=fault)
    assert found.client.get("/api/lazy/built", timeout=40).status_code in {404, 503}
    record = found.record("plugin_broken")
    assert (record["state"], record["routes"]) == ("failed", [])
    assert culprit in record["error"]
    assert "lazy" not in found.client.get("/health").json()["runtimes"]
    assert found.client.get("/api/lazy/built").status_code == 503
    found.assert_others_work()


def test_a_strict_server_does_not_start_with_lazy_routes_that_are_wrong(serve_plugin):
    with pytest.raises(AssertionError, match="lies outside its claims"):
        serve_plugin("lazy_routes", FAULTY_FAULT="outside", XO_PLUGINS_STRICT="1")


def test_a_strict_server_does_not_start_with_lazy_routes_without_a_schema(serve_plugin):
    with pytest.raises(AssertionError, match="can't be described in OpenAPI"):
        serve_plugin("lazy_routes", FAULTY_FAULT="schema", XO_PLUGINS_STRICT="1")


def test_the_document_is_made_without_lazy_routes_that_it_cannot_describe(serve_plugin):
    found = serve_plugin("lazy_routes", FAULTY_FAULT="schema")
    for _ in range(2):
        paths = found.client.get("/openapi.json").json()["paths"]
        assert "/api/neighbour/ping" in paths
        assert [path for path in paths if path.startswith("/api/lazy")] == []
    record = found.record("plugin_broken")
    assert record["state"] == "failed"
    assert "can't be described in OpenAPI" in record["error"]
    assert found.client.get("/api/lazy/built").status_code == 503
    found.assert_others_work()


def test_lazy_routes_answer_and_are_listed(serve_plugin):
    found = serve_plugin("lazy_routes")
    assert found.record("plugin_broken")["routes"] == ["GET /api/lazy/other", "GET /api/lazy/built"]
    assert found.client.get("/api/lazy/built").json() == {"built": True}
    assert "/api/lazy/built" in found.client.get("/openapi.json").json()["paths"]


def test_a_start_that_hangs_is_served_without(serve_plugin):
    before = time.monotonic()
    found = serve_plugin("lifespan_faults", FAULTY_FAULT="hang at start")
    assert time.monotonic() - before < 20  # the plugin has 30 s to start
    found.assert_others_work()
    assert found.record("plugin_broken")["state"] == "starting"
    answer = found.client.post("/api/shaky/poke")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert found.client.get("/health").json()["runtimes"]["shaky"]["state"] == "starting"


@pytest.mark.parametrize(
    ("fault", "culprit"), [("raise at start", "no battery"), ("exit at start", "SystemExit: 4")]
)
def test_a_start_that_fails_is_named(serve_plugin, fault, culprit):
    found = serve_plugin("lifespan_faults", FAULTY_FAULT=fault)
    found.assert_others_work()
    record = found.record("plugin_broken")
    assert record["state"] == "failed"
    assert culprit in record["error"]
    assert "shaky" not in found.client.get("/health").json()["runtimes"]


def test_a_crash_after_the_start_takes_only_that_plugin_out(serve_plugin):
    found = serve_plugin("lifespan_faults")
    assert found.record("plugin_broken")["state"] == "ready"
    assert found.client.post("/api/shaky/poke").status_code == 200
    eventually(lambda: found.record("plugin_broken")["state"] == "failed", 15, "the crash is seen")
    found.assert_others_work()
    assert "poked once too often" in found.record("plugin_broken")["error"]
    assert "shaky" not in found.client.get("/health").json()["runtimes"]
    assert found.client.post("/api/shaky/poke").status_code == 503


def test_a_stop_that_hangs_does_not_keep_the_server(serve_plugin):
    found = serve_plugin("lifespan_faults", FAULTY_FAULT="hang at stop")
    before = time.monotonic()
    assert found.server.terminate() == 0
    assert time.monotonic() - before < 20
    assert "plugin plugin_broken did not stop" in found.server.log


def test_a_plugin_that_stops_well_lets_the_server_go_at_once(serve_plugin):
    found = serve_plugin("lifespan_faults")

    def stops_at_once() -> bool:
        before = time.monotonic()
        assert found.server.terminate() == 0
        # one that does not stop has 5 s
        return time.monotonic() - before < 4

    # the later attempts are for a busy machine
    assert stops_at_once() or any(found.server.start() or stops_at_once() for _ in range(3))
    assert "did not stop" not in found.server.log


@pytest.mark.parametrize("path", ["/api/sick/raise", "/api/sick/exit"])
def test_an_exception_in_a_route_is_a_500_without_details(serve_plugin, path):
    found = serve_plugin("fails_in_use")
    answer = found.client.get(path)
    assert answer.status_code == 500
    detail = answer.json()["detail"]
    fault_id = detail.rsplit(" ", 1)[1]
    assert detail == f"Internal error; the log names it as {fault_id}"
    assert fault_id in found.server.log
    found.assert_others_work()


@pytest.mark.parametrize(
    ("method", "path", "body", "wish"),
    [
        ("GET", "/api/agents", None, "list its agents"),
        ("POST", "/api/agents", {"name": "ada"}, "list its agents"),
        ("GET", "/api/channels", None, "list its channels"),
        ("POST", "/api/channels/add", {"channel": "slack", "token": "t"}, "add the channel"),
        ("GET", "/api/models?agent_name=clerk", None, "list its models"),
        ("GET", "/api/skills?agent_name=clerk", None, "list its skills"),
    ],
)
def test_an_exception_in_an_ability_is_a_502(serve_plugin, method, path, body, wish):
    found = serve_plugin("breaks_abilities")
    answer = found.client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["detail"]) == (502, f"The runtime could not {wish}")
    found.assert_others_work()


def test_what_one_runtime_can_not_list_hides_nothing_of_the_others(serve_plugin):
    found = serve_plugin("breaks_abilities")
    assert [row["id"] for row in found.client.get("/api/models").json()["models"]] == ["m"]
    assert [row["name"] for row in found.client.get("/api/skills").json()] == ["stamp"]


def test_a_health_check_that_leaves_does_not_end_the_server(serve_plugin):
    found = serve_plugin("fails_in_use")
    found.assert_others_work()
    wait_for_state(found.server, "sick", "failed")
    found.assert_others_work()


def test_a_health_check_that_hangs_keeps_no_turn_from_running(serve_plugin):
    found = serve_plugin("fails_in_use")
    assert Chat(found.server, "sloth").run_turn("hello").text == "at last"
    wait_for_state(found.server, "sloth", "degraded")
    found.assert_others_work()


def test_a_stray_task_that_leaves_does_not_end_the_server(serve_plugin):
    found = serve_plugin("fails_in_use")
    assert found.client.get("/api/sick/stray").status_code == 200
    found.assert_others_work()
    assert found.server.terminate() == 0


@pytest.mark.parametrize("runtime", ["leaver", "bolter"])
def test_a_runtime_that_leaves_in_a_turn_ends_that_turn_alone(serve_plugin, runtime):
    found = serve_plugin("fails_in_use")
    end = Chat(found.server, runtime).run_turn("hi").terminal
    assert end.event == "agent-error"
    assert end.data["code"] == "internal"
    assert " a turn" not in str(end.data["error_message"])
    found.assert_others_work()


def test_a_runtime_that_leaves_when_it_is_stopped_ends_that_turn_alone(serve_plugin):
    found = serve_plugin("fails_in_use")
    chat = Chat(found.server, "mule")
    turn = chat.prompt("hi")
    assert chat.abort(turn.stream_id)
    assert chat.read(turn).terminal.data["finish_reason"] == "aborted"
    assert chat.prompt("again", session_id=turn.session_id)
    found.assert_others_work()


def test_turn_hooks_that_raise_hurt_no_turn_of_another_plugin(serve_plugin):
    found = serve_plugin("fails_in_use", XO_PLUGINS="plugin_neighbour,plugin_broken,runtime_demo")
    turn = Chat(found.server, "demo").run_turn("echo all is well")
    assert (turn.text, turn.terminal.event) == ("all is well", "done")
    found.assert_others_work()


@pytest.mark.parametrize("count", ["many", "-1"])
def test_a_wrong_setting_fails_its_plugin_alone(serve_plugin, count):
    found = serve_plugin("fails_in_use", FAULTY_COUNT=count)
    found.assert_others_work()
    error = found.record("plugin_broken")["error"]
    assert error == (
        f"FAULTY_COUNT={count!r} (from the environment) is not allowed: "
        "it must be a whole number, 0 or more"
    )


def test_strict_lets_a_broken_plugin_stop_the_start(serve_plugin):
    with pytest.raises(AssertionError, match="plugin plugin_broken is failed"):
        serve_plugin("misspelt_hook", XO_PLUGINS_STRICT="1")


def test_strict_lets_a_failing_lifespan_stop_the_start(serve_plugin):
    with pytest.raises(AssertionError, match="no battery"):
        serve_plugin("lifespan_faults", XO_PLUGINS_STRICT="1", FAULTY_FAULT="raise at start")


def test_an_app_without_plugins_works():
    with LiveServer(environment={"XO_PLUGINS": "none"}) as server:
        health = server.client.get("/health").json()
        assert health["status"] == "ok"
        assert set(health["plugins"].values()) <= {"disabled"}
