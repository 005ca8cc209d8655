"""Cases: tokens expire, are refreshed, refused and revoked."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from xo_cowork_core.sdk.testing.connector_contract.cases import (
    OAUTH_KINDS,
    Cases,
    ResourceOwner,
)
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.process_tree import eventually

# a busy machine may take longer to sign in than a token lives: then it gets a longer life
SHORT_SECONDS = (2, 6, 18)
WAIT_SECONDS = 15.0
PARALLEL = 20
MANY = 50


class TokenCases(Cases):
    """What happens to a connection after the sign-in. A restart makes the host check it anew."""

    def test_a_token_that_the_service_revoked_asks_for_a_new_sign_in(
        self, owner: ResourceOwner
    ) -> None:
        owner.sign_in(owner.methods(*OAUTH_KINDS)[0])
        owner.provider.revoke_all()
        owner.connections.server.restart()
        status = owner.connections.status(verify=True)
        assert status["status"] == "needs_auth", (
            f"`identify` must raise Unauthorized for a token that is refused: {status}"
        )

    def test_an_overloaded_service_keeps_its_connection(self, owner: ResourceOwner) -> None:
        before = owner.sign_in()["user"]
        for status_code in (503, 429):
            owner.provider.fault("userinfo", status_code, times=MANY)
            owner.connections.server.restart()
            status = owner.connections.status(verify=True)
            assert (status["status"], status["user"]) == ("connected", before), (
                f"`identify` must raise Unavailable for status {status_code}: {status}"
            )
            assert owner.connections.state() == "degraded"
            owner.provider.clear()

    def test_a_service_that_answers_with_a_page_keeps_its_connection(
        self, owner: ResourceOwner
    ) -> None:
        owner.sign_in()
        owner.provider.fault("userinfo", 200, "<h1>Maintenance</h1>", times=MANY)
        owner.connections.server.restart()
        assert owner.connections.status(verify=True)["status"] == "connected"

    def test_an_expired_token_is_refreshed_before_it_is_used(self, owner: ResourceOwner) -> None:
        self._stop_until_the_token_expires(owner)
        owner.connections.server.start()
        assert owner.connections.status(verify=True)["status"] == "connected"
        assert owner.provider.requests("token", grant_type="refresh_token")
        assert owner.connections.state() == "connected"

    def test_parallel_checks_refresh_once(self, owner: ResourceOwner) -> None:
        self._stop_until_the_token_expires(owner)
        with owner.provider.hold("token") as hold, ThreadPoolExecutor(PARALLEL) as pool:
            owner.connections.server.start()
            checks = [pool.submit(owner.connections.status, verify=True) for _ in range(PARALLEL)]
            hold.wait()
            hold.release()
            statuses = [check.result() for check in checks]
        assert all(status["status"] == "connected" for status in statuses)
        assert len(owner.provider.requests("token", grant_type="refresh_token")) == 1
        assert owner.connections.state() == "connected"

    def test_a_failed_refresh_keeps_the_connection(self, owner: ResourceOwner) -> None:
        self._stop_until_the_token_expires(owner)
        owner.provider.fault("token", 503, times=MANY)
        owner.connections.server.start()
        assert owner.connections.status(verify=True)["status"] == "connected"
        owner.provider.clear()
        owner.connections.server.restart()
        status = owner.connections.status(verify=True)
        assert status["status"] == "connected", f"the refresh token was lost: {status}"

    def test_a_disconnection_revokes_the_tokens(self, owner: ResourceOwner) -> None:
        owner.sign_in(owner.methods(*OAUTH_KINDS)[0])
        tokens = _issued(owner)
        assert any(owner.provider.is_valid(token) for token in tokens)
        status = owner.connections.disconnect()
        assert status["status"] == "needs_auth"
        if not owner.provider.requests("revoke"):
            skip_without("revocation endpoint")
        assert not any(owner.provider.is_valid(token) for token in tokens)

    def _stop_until_the_token_expires(self, owner: ResourceOwner) -> None:
        """Sign in, stop the server, and wait until the access token is of no use any more."""
        lifetimes = owner.provider.store.lifetimes
        before = lifetimes.access_seconds
        seconds = self._sign_in_for_a_short_time(owner)
        owner.connections.server.terminate()
        lifetimes.access_seconds = before
        if not owner.provider.store.refresh:
            skip_without("refresh tokens")
        eventually(
            lambda: not any(owner.provider.is_valid(token) for token in _issued(owner)),
            seconds + WAIT_SECONDS,
            "the access token has expired",
        )
        owner.provider.clear()

    def _sign_in_for_a_short_time(self, owner: ResourceOwner) -> float:
        """Return the lifetime of the access token."""
        failed: list[Body] = []
        for seconds in SHORT_SECONDS:
            owner.provider.store.lifetimes.access_seconds = seconds
            flow = owner.finish(owner.start(owner.methods(*OAUTH_KINDS)[0]))
            if flow["state"] == "completed":
                return seconds
            failed.append(flow)
        raise AssertionError(f"the sign-in ended as {failed}")


def _issued(owner: ResourceOwner) -> Sequence[str]:
    keys = {owner.subject.api_key, owner.subject.refused_key}
    return [token for token in owner.provider.store.access if token not in keys]
