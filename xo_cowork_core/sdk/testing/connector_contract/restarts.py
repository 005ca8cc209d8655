"""Cases: the server is stopped or killed while a person signs in."""

from collections.abc import Callable

from xo_cowork_core.sdk.testing.connector_contract.cases import (
    OAUTH_KINDS,
    Cases,
    SignInPerson,
)


class RestartCases(Cases):
    """Sign-ins and connections over a restart."""

    def test_a_sign_in_survives_a_stop(self, person: SignInPerson) -> None:
        self._restart_in_mid_flow(person, person.connections.server.terminate)

    def test_a_sign_in_survives_a_crash(self, person: SignInPerson) -> None:
        self._restart_in_mid_flow(person, person.connections.server.kill)

    def test_a_connection_survives_a_crash(self, person: SignInPerson) -> None:
        before = person.sign_in()
        person.connections.server.kill()
        person.connections.server.start()
        status = person.connections.status(verify=True)
        assert (status["status"], status["user"]) == ("connected", before["user"])

    def _restart_in_mid_flow(self, person: SignInPerson, stop: Callable[[], int]) -> None:
        for method in person.methods(*OAUTH_KINDS):
            flow = person.start(method)
            stop()
            person.connections.server.start()
            ended = person.finish(flow)
            assert ended["state"] == "completed", f"{method['id']}: {ended}"
            assert person.connections.status()["status"] == "connected"
            person.connections.disconnect()
