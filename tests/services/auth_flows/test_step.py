"""The transition table of a flow, row by row, with the time as an argument: all states but one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.services.auth_flows.flows_at import (
    ACCOUNT,
    NOW,
    PROMPTS,
    TOKENS,
    exchanging,
    starting,
    storing,
    verifying,
    waiting,
)
from tests.services.auth_flows.step_rows import BACK, UNREACHABLE, Row, check
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.services.auth_flows.actions import (
    Identify,
    OpenListener,
    PollDevice,
    Prepare,
    Reject,
    Release,
    StopWork,
    StoreConnection,
)
from xo_cowork_core.services.auth_flows.events import (
    AccountIdentified,
    CallbackReceived,
    CancelRequested,
    ConnectionStored,
    ServerRestarted,
    StepFailed,
    TextSubmitted,
    TimePassed,
    TokensReceived,
)
from xo_cowork_core.services.auth_flows.step import step

ROWS = (
    # starting
    Row("authorization ready", starting(), PROMPTS["authorization_code"], "awaiting_user"),
    Row(
        "device code ready",
        starting("device_code"),
        PROMPTS["device_code"],
        "awaiting_user",
        (PollDevice(5),),
    ),
    Row("key wanted", starting("api_key"), PROMPTS["api_key"], "awaiting_user"),
    Row("program prompts", starting("command"), PROMPTS["command"], "awaiting_user"),
    Row(
        "program needs no person",
        starting("command"),
        TokensReceived(TOKENS),
        "verifying",
        (Identify(TOKENS),),
    ),
    Row("no start", starting(), UNREACHABLE, "failed", (Release(),), "upstream_unreachable"),
    Row(
        "slow start",
        starting(),
        TimePassed(),
        "failed",
        (Release(),),
        "upstream_unreachable",
        after=30,
    ),
    Row(
        "text too early",
        starting(),
        TextSubmitted("code"),
        "starting",
        (Reject,),
    ),
    # exchanging
    Row("tokens came", exchanging(), TokensReceived(TOKENS), "verifying", (Identify(TOKENS),)),
    Row("server down", exchanging(), UNREACHABLE, "awaiting_user", (), "upstream_unreachable"),
    Row(
        "code refused",
        exchanging(),
        StepFailed("invalid_grant", "No."),
        "failed",
        (Release(),),
        "invalid_grant",
    ),
    Row(
        "no answer",
        exchanging(),
        TimePassed(),
        "awaiting_user",
        (StopWork(),),
        "upstream_unreachable",
        after=30,
    ),
    Row(
        "no answer and no time",
        replace(exchanging(), expires_at=NOW + timedelta(seconds=20)),
        TimePassed(),
        "failed",
        (StopWork(), Release()),
        "upstream_unreachable",
        after=30,
    ),
    Row("browser returns twice", exchanging(), CallbackReceived(BACK), "exchanging"),
    # verifying
    Row(
        "account known",
        verifying(),
        AccountIdentified(ACCOUNT),
        "verifying",
        (StoreConnection(),),
    ),
    Row(
        "service down",
        verifying(),
        UNREACHABLE,
        "verifying",
        (Identify(TOKENS, 1.0),),
        "upstream_unreachable",
    ),
    Row(
        "service down again",
        replace(verifying(), attempts=2),
        UNREACHABLE,
        "verifying",
        (Identify(TOKENS, 2.0),),
        "upstream_unreachable",
    ),
    Row(
        "service stays down",
        replace(verifying(), attempts=3),
        UNREACHABLE,
        "awaiting_user",
        (),
        "upstream_unreachable",
    ),
    Row(
        "service stays down for a device",
        replace(verifying("device_code"), attempts=3),
        UNREACHABLE,
        "failed",
        (Release(),),
        "upstream_unreachable",
    ),
    Row(
        "service down for a key",
        verifying("api_key"),
        UNREACHABLE,
        "awaiting_user",
        (),
        "upstream_unreachable",
    ),
    Row(
        "wrong key",
        verifying("api_key"),
        StepFailed("invalid_key", "No."),
        "awaiting_user",
        (),
        "invalid_key",
    ),
    Row(
        "new tokens refused",
        verifying(),
        StepFailed("needs_auth", "No."),
        "failed",
        (Release(),),
        "needs_auth",
    ),
    Row(
        "slow service",
        verifying(),
        TimePassed(),
        "awaiting_user",
        (StopWork(),),
        "upstream_unreachable",
        after=60,
    ),
    Row("tokens twice", verifying(), TokensReceived(TokenSet(SecretStr("x"))), "verifying"),
    Row(
        "service down and no time",
        replace(verifying("api_key"), expires_at=NOW + timedelta(seconds=1)),
        UNREACHABLE,
        "failed",
        (Release(),),
        "upstream_unreachable",
    ),
    Row("stored", storing(), ConnectionStored(), "completed", (Release(),)),
    Row(
        "another account",
        storing(),
        StepFailed("account_mismatch", "No."),
        "failed",
        (Release(),),
        "account_mismatch",
    ),
    Row(
        "disk full",
        storing(),
        StepFailed("storage_failed", "No."),
        "failed",
        (Release(),),
        "storage_failed",
    ),
    # cancellation
    Row("cancelled at the start", starting(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled by a person", waiting(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled exchange", exchanging(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled check", verifying(), CancelRequested(), "cancelled", (Release(),)),
    Row("cancelled too late", storing(), CancelRequested(), "verifying"),
    Row(
        "superseded",
        waiting(),
        CancelRequested(superseded=True),
        "cancelled",
        (Release(),),
        "superseded",
    ),
    # restart
    Row("restart at the start", starting(), ServerRestarted(), "starting", (Prepare(),)),
    Row("restart in between", waiting(), ServerRestarted(), "awaiting_user", (OpenListener(),)),
    Row(
        "restart of a pasted flow",
        replace(waiting(), redirect="paste"),
        ServerRestarted(),
        "awaiting_user",
    ),
    Row(
        "restart of a device",
        waiting("device_code"),
        ServerRestarted(),
        "awaiting_user",
        (PollDevice(5),),
    ),
    Row("restart of a key", waiting("api_key"), ServerRestarted(), "awaiting_user"),
    Row(
        "restart of a program",
        waiting("command"),
        ServerRestarted(),
        "failed",
        (Release(),),
        "restarted",
    ),
    Row(
        "restart of a program at the start",
        starting("command"),
        ServerRestarted(),
        "failed",
        (Release(),),
        "restarted",
    ),
    Row(
        "restart in an exchange",
        exchanging(),
        ServerRestarted(),
        "awaiting_user",
        (OpenListener(),),
        "restarted",
    ),
    Row("restart in a check", verifying(), ServerRestarted(), "verifying", (Identify(TOKENS),)),
    Row("restart while storing", storing(), ServerRestarted(), "verifying", (Identify(TOKENS),)),
    Row(
        "restart after the time",
        waiting(),
        ServerRestarted(),
        "expired",
        (Release(),),
        "expired_token",
        after=3600,
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "_"))
def test_each_row_of_the_table(row: Row) -> None:
    check(row)


def test_the_account_is_asked_for_three_times_before_a_person_is() -> None:
    flow, actions = step(exchanging(), TokensReceived(TOKENS), NOW)
    pauses = []
    while flow.state == "verifying":
        pauses += [action.after_seconds for action in actions if isinstance(action, Identify)]
        flow, actions = step(flow, UNREACHABLE, NOW)
    assert (flow.state, pauses) == ("awaiting_user", [0.0, 1.0, 2.0])
