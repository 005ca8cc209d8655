"""Cases: what a connector does to turns and other requests while it works."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.connector_contract.cases import Cases, ResourceOwner
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.scripted import NAME, script

HEALTH_SECONDS = 3.0
ABILITY = "provides_turn_environment"


class TurnCases(Cases):
    """Turns of other plugins' agents, and requests of other people."""

    def test_a_slow_service_holds_up_nobody_else(self, owner: ResourceOwner) -> None:
        flow = owner.start(owner.methods()[0]) if owner.methods()[0]["kind"] != "api_key" else None
        with owner.provider.hold("userinfo") as hold, ThreadPoolExecutor(1) as pool:
            if flow is None:
                signing_in = pool.submit(owner.start, owner.methods("api_key")[0])
            else:
                signing_in = pool.submit(owner.finish, flow)
            try:
                hold.wait()
                self._check_health(owner)
            finally:
                hold.release()
            assert signing_in.result()["state"] == "completed"
        self._check_faults(owner)

    def test_agents_get_its_environment_while_it_is_signed_in(self, owner: ResourceOwner) -> None:
        declared = set(owner.subject.turn_environment)
        is_able = ABILITY in owner.connections.abilities()
        assert is_able == bool(declared), (
            f"`turn_environment` of the subject names {sorted(declared)}, but the connector "
            f"{'is' if is_able else 'is no'} ProvidesTurnEnvironment"
        )
        if not declared:
            skip_without("environment for turns")
        before = self._environment(owner)
        assert not declared & before.keys(), "agents get its environment before anybody signed in"
        owner.sign_in()
        added = self._environment(owner).keys() - before.keys()
        self._check_faults(owner)
        assert added == declared, f"agents get {sorted(added)} and not {sorted(declared)}"
        owner.connections.disconnect()
        assert self._environment(owner) == before, "agents get its environment after its end"

    def _environment(self, owner: ResourceOwner) -> Mapping[str, str]:
        """Return the entries of a turn of another plugin, with digests of their values."""
        turn = Chat(owner.connections.server, NAME).run_turn(script(["environment"]))
        assert turn.terminal.event == "done", turn.terminal
        entries: Mapping[str, str] = json.loads(turn.text)
        return entries

    def _check_health(self, owner: ResourceOwner) -> None:
        try:
            owner.connections.http.get("/health", timeout=HEALTH_SECONDS)
        except httpx.TimeoutException:
            raise AssertionError(
                "the server answers nobody while the connector waits for its service: send "
                "requests with `context.http`, and do other blocking work in asyncio.to_thread"
            ) from None

    def _check_faults(self, owner: ResourceOwner) -> None:
        faults = owner.connections.plugin()["faults"]
        assert not faults, f"the server has recorded faults of the connector: {faults}"
