"""`RuntimeContract`, the tests that every runtime must pass; each module has one group of cases."""

from xo_cowork_core.sdk.testing.contract.cases import Cases
from xo_cowork_core.sdk.testing.contract.configuration import ConfigurationCases
from xo_cowork_core.sdk.testing.contract.failures import FailureCases
from xo_cowork_core.sdk.testing.contract.manners import MannerCases
from xo_cowork_core.sdk.testing.contract.order import OrderCases
from xo_cowork_core.sdk.testing.contract.permissions import PermissionCases
from xo_cowork_core.sdk.testing.contract.processes import ProcessCases
from xo_cowork_core.sdk.testing.contract.questions import QuestionCases
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.records import RecordCases
from xo_cowork_core.sdk.testing.contract.restarts import RestartCases
from xo_cowork_core.sdk.testing.contract.sessions import SessionCases
from xo_cowork_core.sdk.testing.contract.sign_ins import SignInCases
from xo_cowork_core.sdk.testing.contract.stopping import StopCases
from xo_cowork_core.sdk.testing.contract.text import TextCases
from xo_cowork_core.sdk.testing.contract.tools import ToolCases


class RuntimeContract(
    TextCases,
    OrderCases,
    ToolCases,
    PermissionCases,
    QuestionCases,
    StopCases,
    ProcessCases,
    MannerCases,
    SessionCases,
    FailureCases,
    RecordCases,
    RestartCases,
    ConfigurationCases,
    SignInCases,
):
    """All test cases. Subclass it as `TestMine` with one fixture, `subject`:

        class TestMine(RuntimeContract):
            @pytest.fixture(scope="class")
            @classmethod
            def subject(cls):
                return RuntimeSubject(agent_name="mine", say=lambda text: f"Say {text}")

    One server runs for the class; all cases use HTTP. Cases that only read a turn share its
    recording (`TurnRecorder`). A case tests what the subject declares. For
    what it does not declare the case checks that it is absent, or is skipped with that reason.
    """


__all__ = [
    "Cases",
    "ConfigurationCases",
    "FailureCases",
    "MannerCases",
    "OrderCases",
    "PermissionCases",
    "ProcessCases",
    "QuestionCases",
    "RecordCases",
    "RestartCases",
    "RuntimeContract",
    "SessionCases",
    "SignInCases",
    "StopCases",
    "TextCases",
    "ToolCases",
    "TurnRecorder",
]
