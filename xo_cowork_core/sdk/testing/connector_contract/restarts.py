"""Cases: the server is stopped or killed while a person signs in."""

from collections.abc import Callable

from xo_cowork_core.sdk.testing.connector_contract.cases import (
    OAUTH_KINDS,
    Cases,
    ResourceOwner,
)


class RestartCases(Cases):
    """Sign-ins and connections over a restart."""

    def test_a_sign_in_survives_a_stop(self, owner: ResourceOwner) -> None:
        self._restart_in_mid_flow(owner, owner.connections.server.terminate)

    def test_a_sign_in_survives_a_crash(self, owner: ResourceOwner) -> None:
        self._restart_in_mid_flow(owner, owner.connections.server.kill)

    def test_a_connection_survives_a_crash(self, owner: ResourceOwner) -> None:
        before = owner.sign_in()
        owner.connections.server.kill()
        owner.connections.server.start()
        status = owner.connections.status(verify=True)
        assert (status["status"], status["user"]) == ("connected", before["user"])

    def _restart_in_mid_flow(self, owner: ResourceOwner, stop: Callable[[], int]) -> None:
        for method in owner.methods(*OAUTH_KINDS):
            flow = owner.start(method)
            stop()
            owner.connections.server.start()
            ended = owner.finish(flow)
            assert ended["state"] == "completed", f"{method['id']}: {ended}"
            assert owner.connections.status()["status"] == "connected"
            owner.connections.disconnect()
