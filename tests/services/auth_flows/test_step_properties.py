"""What holds for every sequence of events."""

from datetime import timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.auth_flows.flows_at import (
    ACCOUNT,
    NOW,
    PROMPTS,
    SECRETS,
    STATE,
    TOKENS,
    starting,
)
from xo_cowork_core.sdk.connector import MethodKind
from xo_cowork_core.services.auth_flows.actions import Release
from xo_cowork_core.services.auth_flows.events import (
    AccountIdentified,
    CallbackReceived,
    CancelRequested,
    ConnectionStored,
    DevicePending,
    DevicePollFailed,
    Event,
    ListenerLost,
    ServerRestarted,
    StepFailed,
    TextSubmitted,
    TimePassed,
    TokensReceived,
)
from xo_cowork_core.services.auth_flows.step import step
from xo_cowork_core.services.connectors.private_values import encode_private

CODES = ("upstream_error", "invalid_grant", "expired_token", "invalid_key", "internal")
texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["code", f"?code=c&state={STATE}", f"error=access_denied&state={STATE}"]),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from(list(PROMPTS.values())),
    st.sampled_from(
        [
            TokensReceived(TOKENS),
            AccountIdentified(ACCOUNT),
            ConnectionStored(),
            ListenerLost(),
            CancelRequested(),
            CancelRequested(superseded=True),
            TimePassed(),
            ServerRestarted(),
            DevicePollFailed("down"),
        ]
    ),
    st.builds(DevicePending, st.booleans(), st.none() | st.integers(-5, 10**9)),
    st.builds(StepFailed, st.sampled_from(CODES), st.just("No."), st.booleans()),
    st.builds(TextSubmitted, texts),
    st.builds(
        CallbackReceived,
        st.dictionaries(
            st.sampled_from(["code", "state", "error", "iss"]),
            st.sampled_from([STATE, "access_denied", "", "x"]),
        ),
    ),
)
kinds: st.SearchStrategy[MethodKind] = st.sampled_from(list(PROMPTS))


@settings(max_examples=400, deadline=None)
@given(kinds, st.lists(st.tuples(events, st.floats(0, 200)), max_size=25))
def test_no_sequence_leaves_an_end_or_keeps_a_secret_past_it(
    kind: MethodKind, sequence: list[tuple[Event, float]]
) -> None:
    flow, now, releases = starting(kind), NOW, 0
    for event, seconds in sequence:
        now += timedelta(seconds=seconds)
        before = flow
        flow, actions = step(flow, event, now)
        if before.is_over:
            assert flow == before
        releases += sum(isinstance(action, Release) for action in actions)
        assert releases == flow.is_over
        shown = repr(flow.view()) + repr(flow)
        assert not any(secret in shown for secret in SECRETS if secret != STATE)
        if flow.is_over:
            kept = orjson.dumps(encode_private(flow)).decode()
            assert not any(secret in kept for secret in SECRETS)
            assert flow.ended_at == now or before.is_over


@settings(max_examples=100, deadline=None)
@given(kinds, st.lists(events, max_size=15))
def test_every_flow_ends_when_time_passes(kind: MethodKind, sequence: list[Event]) -> None:
    flow, now = starting(kind), NOW
    for event in sequence:
        flow, _ = step(flow, event, now)
    for _ in range(5):
        now += timedelta(hours=1)
        flow, _ = step(flow, TimePassed(), now)
    # while tokens are being stored, the outcome of that ends the flow
    assert flow.is_over or flow.is_storing
