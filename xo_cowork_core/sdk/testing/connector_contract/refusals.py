"""Cases: the person, the provider or the time end a sign-in."""

from collections.abc import Mapping

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.connector_contract.cases import (
    OAUTH_KINDS,
    Cases,
    ResourceOwner,
)
from xo_cowork_core.sdk.testing.contract.skips import skip_without

MANY = 50


class RefusalCases(Cases):
    """Sign-ins after which nobody may be signed in."""

    def test_a_person_refuses_consent(self, owner: ResourceOwner) -> None:
        for method in owner.methods("authorization_code"):
            flow = owner.start(method)
            owner.provider.consent = "deny"
            owner.expect_refusal(owner.finish(flow), "access_denied")
            owner.provider.consent = "approve"

    def test_a_person_refuses_a_device(self, owner: ResourceOwner) -> None:
        for method in owner.methods("device_code"):
            flow = owner.start(method)
            owner.provider.deny(str(flow["user_code"]))
            ended = owner.connections.wait(flow["flow_id"])
            owner.expect_refusal(ended, "access_denied")

    def test_a_device_code_expires(self, owner: ResourceOwner) -> None:
        for method in owner.methods("device_code"):
            flow = owner.start(method)
            owner.provider.expire("devices")
            ended = owner.connections.wait(flow["flow_id"])
            owner.expect_refusal(ended, "expired_token")

    def test_a_refused_key_signs_nobody_in(self, owner: ResourceOwner) -> None:
        for method in owner.methods("api_key"):
            key = owner.subject.refused_key
            flow = owner.connections.connect(method=method["id"], input=key)
            assert flow["state"] != "completed", "`identify` accepts a key that the service refuses"
            assert owner.connections.status()["status"] == "needs_auth"
            owner.connections.cancel(flow["flow_id"])

    def test_tokens_that_the_service_refuses_sign_nobody_in(self, owner: ResourceOwner) -> None:
        for method in owner.methods(*OAUTH_KINDS):
            flow = owner.start(method)
            owner.provider.fault("userinfo", 401, {"error": "invalid_token"}, times=MANY)
            ended = owner.finish(flow)
            assert ended["state"] == "failed", "`identify` accepts tokens that the service refuses"
            assert owner.connections.status()["status"] == "needs_auth"
            owner.provider.clear()

    def test_another_account_is_refused_at_a_reconnection(self, owner: ResourceOwner) -> None:
        method = owner.methods(*OAUTH_KINDS)[0]
        before = owner.sign_in(method)["user"]
        other = owner.subject.other_account or self._other_account(owner)
        owner.provider.set_account(other)
        flow = owner.connections.reconnect(method=method["id"])
        ended = owner.finish(flow)
        assert ended["state"] == "failed", f"another account has taken the place of {before}"
        assert ended["error"] == {**_mapping(ended["error"]), "code": "account_mismatch"}
        status = owner.connections.status()
        assert (status["status"], status["user"]) == ("connected", before)

    def _other_account(self, owner: ResourceOwner) -> Mapping[str, JsonValue]:
        account = owner.provider.options.account
        if "sub" not in account:
            skip_without("other account")
        return {**account, "sub": f"{account['sub']}-other"}


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    assert isinstance(value, Mapping), value
    return value
