"""The certificate of a runtime: `RuntimeContract`, one class made of a group of cases a file."""

from xo_cowork_core.sdk.testing.contract.cases import Cases
from xo_cowork_core.sdk.testing.contract.failures import FailureCases
from xo_cowork_core.sdk.testing.contract.order import OrderCases
from xo_cowork_core.sdk.testing.contract.permissions import PermissionCases
from xo_cowork_core.sdk.testing.contract.questions import QuestionCases
from xo_cowork_core.sdk.testing.contract.records import RecordCases
from xo_cowork_core.sdk.testing.contract.restarts import RestartCases
from xo_cowork_core.sdk.testing.contract.sessions import SessionCases
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
    SessionCases,
    FailureCases,
    RecordCases,
    RestartCases,
):
    """All cases. Subclass it as `TestMine` and give one fixture, `subject`:

        class TestMine(RuntimeContract):
            @pytest.fixture(scope="class")
            @classmethod
            def subject(cls):
                return RuntimeSubject(agent_name="mine", say=lambda text: f"Say {text}")

    One server runs for the class. Everything goes over HTTP. What the subject declares is tried;
    what it does not declare is checked to be absent where the wire can tell, else the case is
    skipped with that reason.
    """


__all__ = [
    "Cases",
    "FailureCases",
    "OrderCases",
    "PermissionCases",
    "QuestionCases",
    "RecordCases",
    "RestartCases",
    "RuntimeContract",
    "SessionCases",
    "StopCases",
    "TextCases",
    "ToolCases",
]
