"""What a runtime or connector says of its own readiness."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

HealthState: TypeAlias = Literal["ready", "starting", "needs_auth", "missing", "degraded", "failed"]


@dataclass(frozen=True, slots=True)
class Health:
    """One look at a runtime or connector.

    `state`: `ready` takes turns; `starting` will soon; `needs_auth` and `missing` (not
    installed) wait for a person; `degraded` works with limits; `failed` does not work.
    `detail` says why in one sentence, `fix` is the command that mends it. `signed_in` is None
    where signing in means nothing or is unknown.

    `fresh_seconds` is how long the host takes this look for the truth before it looks again: 0
    where a look costs nothing, as with a connection that stands. None leaves it to the host: 10 s
    for a runtime that takes turns, 1 s for one that does not.
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
