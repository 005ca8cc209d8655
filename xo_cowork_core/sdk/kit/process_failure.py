"""The error of a turn whose agent process ended before the turn did."""

from xo_cowork_core.sdk.errors import AgentFailure

TAIL_CHARACTERS = 600


def process_failure(title: str, returncode: int | None, stderr: str) -> AgentFailure:
    """Return an error with code `crashed` that ends with the last of `stderr`.

    `title` is the agent's name for people. `returncode` is negative for a signal, None when it is
    unknown.
    """
    how = "was killed" if returncode is not None and returncode < 0 else "ended"
    tail = stderr.strip()[-TAIL_CHARACTERS:]
    reason = f": {tail}" if tail else ""
    return AgentFailure(f"{title} {how} before the turn was over{reason}", code="crashed")
