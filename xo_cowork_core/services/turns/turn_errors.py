"""The terminal events of turns that failed or were stopped, and the outcome of a terminal event."""

import logging
import secrets

from xo_cowork_core.sdk import AgentError, AgentFailure, Done, Event, TurnOutcome, XoError
from xo_cowork_core.services.runtimes.plugin_record import describe_fault
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.turns.prompt import ResolvedTurn

TAIL_CHARACTERS = 600
log = logging.getLogger("xo_cowork.turns")


def error_of(resolved: ResolvedTurn, error: BaseException) -> AgentError:
    """Return the event of a turn whose runtime raised an exception; a fault is recorded."""
    owner = resolved.owner
    if isinstance(error, AgentFailure | XoError):
        return AgentError(_without_secrets(resolved, error.message), error.code)
    owner.plugin.add_fault("run()", describe_fault(error))
    number = secrets.token_hex(4)
    log.error("turn failed, %s in %s", number, owner.info.name, exc_info=error)
    title = owner.info.title
    return AgentError(f"{title} failed unexpectedly; the log names it as {number}", "internal")


def stopped_event(resolved: ResolvedTurn, reason: str, terminal: Event | None) -> Event | None:
    """Return the event of a turn that the host stopped; None for any other reason.

    `terminal` is what the runtime yielded at last: it may have the usage.
    """
    info = resolved.owner.info
    match reason:
        case "aborted":
            usage = terminal if isinstance(terminal, Done) else Done()
            return Done("aborted", usage.tokens, usage.cost, usage.model_id, usage.provider_id)
        case "restart":
            return AgentError("The server was stopped during this turn; send it again", "restart")
        case "timeout":
            return AgentError("The turn ran longer than any turn may", "timeout")
        case "silent":
            text = f"{info.title} said nothing for {info.silent_seconds:g} s and was stopped"
            return AgentError(text, "silent")
        case _:
            return None


def explain_error(resolved: ResolvedTurn, terminal: Event, stderr: str) -> Event:
    """Add what the agent's program printed before it failed to an error without a reason."""
    if not stderr or not isinstance(terminal, AgentError) or terminal.code != "internal":
        return terminal
    tail = _without_secrets(resolved, stderr)[-TAIL_CHARACTERS:]
    return AgentError(f"{terminal.error_message}: {tail}", "crashed")


def outcome_of(terminal: Event | None, seconds: float) -> TurnOutcome:
    """Return how a turn of this duration ended, without content."""
    match terminal:
        case Done(finish_reason=reason, tokens=tokens, cost=cost):
            return TurnOutcome(reason, None, tokens, cost, seconds)
        case AgentError(code=code):
            return TurnOutcome("error", code, duration_seconds=seconds)
        case _:
            return TurnOutcome("error", "internal", duration_seconds=seconds)


def _without_secrets(resolved: ResolvedTurn, text: str) -> str:
    """Remove what the agent may have printed of its own environment."""
    redactor = SecretRedactor()
    redactor.add(resolved.turn.environment.values())
    return redactor.redact(text)
