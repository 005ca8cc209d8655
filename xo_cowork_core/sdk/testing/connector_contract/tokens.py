"""Cases: tokens expire, are refreshed, refused and revoked."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from xo_cowork_core.sdk.testing.connector_contract.cases import (
    OAUTH_KINDS,
    Cases,
    SignInPerson,
)
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.process_tree import eventually

SHORT_SECONDS = 2
PARALLEL = 20
MANY = 50


class TokenCases(Cases):
    """What happens to a connection after the sign-in. A restart makes the host check it anew."""

    def test_a_token_that_the_service_revoked_asks_for_a_new_sign_in(
        self, person: SignInPerson
    ) -> None:
        person.sign_in(person.methods(*OAUTH_KINDS)[0])
        person.provider.revoke_all()
        person.connections.server.restart()
        status = person.connections.status(verify=True)
        assert status["status"] == "needs_auth", (
            f"`identify` must raise Unauthorized for a token that is refused: {status}"
        )

    def test_an_overloaded_service_keeps_its_connection(self, person: SignInPerson) -> None:
        before = person.sign_in()["user"]
        for status_code in (503, 429):
            person.provider.fault("userinfo", status_code, times=MANY)
            person.connections.server.restart()
            status = person.connections.status(verify=True)
            assert (status["status"], status["user"]) == ("connected", before), (
                f"`identify` must raise Unavailable for status {status_code}: {status}"
            )
            assert person.connections.state() == "degraded"
            person.provider.clear()

    def test_a_service_that_answers_with_a_page_keeps_its_connection(
        self, person: SignInPerson
    ) -> None:
        person.sign_in()
        person.provider.fault("userinfo", 200, "<h1>Maintenance</h1>", times=MANY)
        person.connections.server.restart()
        assert person.connections.status(verify=True)["status"] == "connected"

    def test_an_expired_token_is_refreshed_before_it_is_used(self, person: SignInPerson) -> None:
        self._stop_until_the_token_expires(person)
        person.connections.server.start()
        assert person.connections.status(verify=True)["status"] == "connected"
        assert person.provider.requests("token", grant_type="refresh_token")
        assert person.connections.state() == "connected"

    def test_parallel_checks_refresh_once(self, person: SignInPerson) -> None:
        self._stop_until_the_token_expires(person)
        with person.provider.hold("token") as hold, ThreadPoolExecutor(PARALLEL) as pool:
            person.connections.server.start()
            checks = [pool.submit(person.connections.status, verify=True) for _ in range(PARALLEL)]
            hold.wait()
            hold.release()
            statuses = [check.result() for check in checks]
        assert all(status["status"] == "connected" for status in statuses)
        assert len(person.provider.requests("token", grant_type="refresh_token")) == 1
        assert person.connections.state() == "connected"

    def test_a_failed_refresh_keeps_the_connection(self, person: SignInPerson) -> None:
        self._stop_until_the_token_expires(person)
        person.provider.fault("token", 503, times=MANY)
        person.connections.server.start()
        assert person.connections.status(verify=True)["status"] == "connected"
        person.provider.clear()
        person.connections.server.restart()
        status = person.connections.status(verify=True)
        assert status["status"] == "connected", f"the refresh token was lost: {status}"

    def test_a_disconnection_revokes_the_tokens(self, person: SignInPerson) -> None:
        person.sign_in(person.methods(*OAUTH_KINDS)[0])
        tokens = _issued(person)
        assert any(person.provider.is_valid(token) for token in tokens)
        status = person.connections.disconnect()
        assert status["status"] == "needs_auth"
        if not person.provider.requests("revoke"):
            skip_without("revocation endpoint")
        assert not any(person.provider.is_valid(token) for token in tokens)

    def _stop_until_the_token_expires(self, person: SignInPerson) -> None:
        """Sign in, stop the server, and wait until the access token is of no use any more."""
        lifetimes = person.provider.store.lifetimes
        before, lifetimes.access_seconds = lifetimes.access_seconds, SHORT_SECONDS
        person.sign_in(person.methods(*OAUTH_KINDS)[0])
        person.connections.server.terminate()
        lifetimes.access_seconds = before
        if not person.provider.store.refresh:
            skip_without("refresh tokens")
        eventually(
            lambda: not any(person.provider.is_valid(token) for token in _issued(person)),
            SHORT_SECONDS + 1,
            "the access token has expired",
        )
        person.provider.clear()


def _issued(person: SignInPerson) -> Sequence[str]:
    keys = {person.subject.api_key, person.subject.refused_key}
    return [token for token in person.provider.store.access if token not in keys]
