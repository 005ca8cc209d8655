"""Google Drive passes the connector contract."""

from collections.abc import Iterator

import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.fakes.google_drive.service import CLIENT_ID, CLIENT_SECRET, account
from tests.fakes.loopback_network import LoopbackNetwork
from tests.support.connectors.rclone_port import rclone_port
from xo_cowork_core.sdk.testing import ConnectorContract, ConnectorSubject
from xo_cowork_core.sdk.testing.connector_contract.cases import ResourceOwner
from xo_cowork_core.sdk.testing.frames import Body


class TestGoogleDrive(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Iterator[ConnectorSubject]:
        with FakeGoogle() as google, LoopbackNetwork(google.hosts) as network:

            def use_browser(flow: Body) -> str:
                # rclone may end before it has answered a browser: what it ended on is pasted
                return google.oauth.visit(str(flow["authorize_url"]))

            yield ConnectorSubject(
                "gdrive",
                google.oauth,
                {
                    **network.environment,
                    "GOOGLE_DRIVE_CLIENT_ID": CLIENT_ID,
                    "GOOGLE_DRIVE_CLIENT_SECRET": CLIENT_SECRET,
                },
                plugins="connector_gdrive",
                other_account=account("ada"),
                command=use_browser,
            )

    def test_a_person_signs_in_with_the_program(self, owner: ResourceOwner) -> None:
        with rclone_port():
            super().test_a_person_signs_in_with_the_program(owner)
