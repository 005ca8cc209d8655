"""The result of a health check of a runtime or connector."""

from typing import Literal, TypeAlias

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

HealthState: TypeAlias = Literal["ready", "starting", "needs_auth", "missing", "degraded", "failed"]


@frozen_dataclass
class Health:
    """The health of a runtime or connector at one moment.

    `state`: `ready` takes turns; `starting` will take turns soon; `needs_auth` (not signed in) and
    `missing` (not installed) need a person; `degraded` takes turns with limits; `failed` does not
    work. `binary` is the path of the executable, `version` its version, where there is one.
    `detail` gives the reason in one sentence; `fix` is the command that solves the problem.
    `signed_in` is None when sign-in does not apply or is unknown.

    `fresh_seconds` is how long the host caches the result; 0 for a check that costs nothing, such
    as the state of an open connection. None means the default: 10 s for a runtime that takes
    turns, 1 s for one that does not.
    """

    state: HealthState
    binary: str | None = None
    version: str | None = None
    detail: str = ""
    fix: str | None = None
    signed_in: bool | None = None
    fresh_seconds: float | None = None

    @property
    def takes_turns(self) -> bool:
        return self.state in {"ready", "degraded"}
