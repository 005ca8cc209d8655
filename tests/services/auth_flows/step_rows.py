"""What a row of the transition table is, and how it is checked."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from tests.services.auth_flows.flows_at import NOW, STATE
from xo_cowork_core.services.auth_flows.actions import Action, ExchangeCode
from xo_cowork_core.services.auth_flows.events import Event, StepFailed
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.step import step

BACK = {"code": "the/code+=", "state": STATE}
URL = f"http://127.0.0.1:4000/callback?code=the%2Fcode%2B%3D&state={STATE}"
CODE = ExchangeCode(SecretStr("the/code+="))
UNREACHABLE = StepFailed("upstream_unreachable", "It is down.", is_retryable=True)


@dataclass(frozen=True)
class Row:
    """One row: what follows from an event `after` seconds after the start."""

    name: str
    flow: Flow
    event: Event
    state: str
    actions: tuple[type[Action] | Action, ...] = ()
    error: str | None = None
    after: float = 1.0


def check(row: Row) -> None:
    """Take the step and compare its result with the row."""
    flow, actions = step(row.flow, row.event, NOW + timedelta(seconds=row.after))
    assert flow.state == row.state
    assert (flow.error.code if flow.error else None) == row.error
    assert len(actions) == len(row.actions)
    for action, expected in zip(actions, row.actions, strict=True):
        assert action == expected or type(action) is expected, action
