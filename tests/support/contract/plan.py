"""How one operation of the contract is requested."""

from typing import Any, NamedTuple


class Plan(NamedTuple):
    """A request: `path` has placeholders that `ContractRequests` fills, `body` is JSON."""

    path: str
    body: Any = None
    status: tuple[int, ...] = (200,)
