"""Fixtures and steps that all groups of cases share."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import pytest

from xo_cowork_core.sdk.connector import MethodKind
from xo_cowork_core.sdk.testing.connections import Connections
from xo_cowork_core.sdk.testing.connector_subject import ConnectorSubject
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.contract.summary import register_summary
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.scripted import PLUGIN, install_scripted
from xo_cowork_core.sdk.testing.server import LiveServer

KINDS: Sequence[MethodKind] = ("authorization_code", "device_code", "api_key", "command")
OAUTH_KINDS: Sequence[MethodKind] = ("authorization_code", "device_code")


class ResourceOwner:
    """The person whose account it is (RFC 6749): signs in to one connector, by any method."""

    def __init__(self, connections: Connections, subject: ConnectorSubject) -> None:
        self.connections = connections
        self.subject = subject
        self.provider = subject.provider

    def methods(self, *kinds: MethodKind) -> Sequence[Body]:
        """Return the methods of these kinds, all without kinds; skip the case when none is."""
        methods = [each for each in self.connections.methods() if each["kind"] in (kinds or KINDS)]
        if "command" not in kinds:
            methods = [each for each in methods if each["kind"] != "command"] or methods
        if not methods:
            skip_without(f"sign-in by {' or '.join(kinds)}")
        return methods

    def start(self, method: Body) -> Body:
        """Start a sign-in by a method; a key is submitted at once."""
        kind = method["kind"]
        if kind == "api_key":
            return self.connections.connect(method=method["id"], input=self.subject.api_key)
        redirect = "loopback" if kind == "authorization_code" else None
        flow = self.connections.connect(method=method["id"], redirect=redirect)
        assert flow["state"] == "awaiting_user", f"{method['id']}: {flow}"
        return flow

    def act(self, flow: Body) -> None:
        """Do what the person does: consent, approve the device, use the program."""
        if flow["kind"] == "authorization_code":
            answer = self.provider.sign_in(self.authorize_url(flow))
            assert answer.status_code in {200, 400}, answer.text
        elif flow["kind"] == "device_code":
            self.provider.approve(str(flow["user_code"]))
        elif flow["kind"] == "command":
            if self.subject.command is None:
                skip_without("person who uses its sign-in program")
            text = self.subject.command(flow)
            if text:
                self.connections.submit(flow["flow_id"], text)

    def authorize_url(self, flow: Body) -> str:
        """Return the URL to open, which must lead to the subject's provider."""
        url = str(flow["authorize_url"])
        assert url.startswith(self.provider.address + "/"), (
            f"the sign-in leads to {url} and not to the provider of the subject: "
            "which of its settings has the address?"
        )
        return url

    def finish(self, flow: Body) -> Body:
        """Do what the person does and return the sign-in when it has ended."""
        self.act(flow)
        return self.connections.wait(flow["flow_id"])

    def sign_in(self, method: Body | None = None) -> Body:
        """Sign in, by the connector's first method unless told; return the connection's state."""
        flow = self.finish(self.start(method or self.methods()[0]))
        assert flow["state"] == "completed", f"the sign-in ended as {flow}"
        status = self.connections.status()
        assert status["status"] == "connected", status
        return status

    def expect_refusal(self, flow: Body, *codes: str) -> None:
        """Check that a sign-in has ended with one of these codes, and nobody is signed in."""
        assert flow["state"] in {"failed", "expired"}, flow
        assert cast("Body", flow["error"])["code"] in codes, flow
        assert flow["account"] is None
        assert self.connections.status()["status"] == "needs_auth"


class Cases:
    """Base class of the groups. A subclass defines the fixture `subject`."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def summary(cls, request: pytest.FixtureRequest) -> None:
        """Have the skipped cases listed at the end of the run."""
        register_summary(request.config)

    @pytest.fixture(scope="class")
    @classmethod
    def server(
        cls, subject: ConnectorSubject, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[LiveServer]:
        """Run one server for all cases of a class. A case that restarts it leaves it running."""
        folders = [*subject.python_path, install_scripted(tmp_path_factory.mktemp("scripted"))]
        plugins = subject.plugins if subject.plugins == "all" else f"{subject.plugins},{PLUGIN}"
        environment = {"XO_PLUGINS": plugins, **subject.environment}
        with LiveServer(environment=environment, python_path=folders) as server:
            yield server

    @pytest.fixture
    def owner(self, server: LiveServer, subject: ConnectorSubject) -> Iterator[ResourceOwner]:
        """Return a person who is not signed in, at a provider as the subject started it."""
        if not server.running:
            server.start()
        provider, account = subject.provider, subject.provider.options.account
        lifetimes = replace(provider.store.lifetimes)
        connections = Connections(server, subject.name)
        connections.disconnect()
        provider.clear()
        provider.revoke_all()
        provider.accept_key(subject.api_key)
        yield ResourceOwner(connections, subject)
        provider.clear()
        provider.consent = "approve"
        provider.set_account(account)
        provider.store.lifetimes = lifetimes
