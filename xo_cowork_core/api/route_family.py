"""What a route family is, and the policy that the middleware applies in front of its routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fastapi import APIRouter

MAX_BODY_BYTES = 32 << 20


class RoutePolicy(NamedTuple):
    """What the middleware does in front of one route. The defaults are the closed ones.

    `public`: served without the API token.
    `token_in_query`: the token may stand in the query, for clients that cannot send headers.
    `idempotent`: `Idempotency-Key` is honoured where the method is a mutating one.
    `max_body_bytes`: a larger body is answered with 413.
    `streams_upload`: the body goes to disk as it comes. The route limits it, and honours
    `Idempotency-Key` itself with `answer_once`, because the middleware would read it first.
    `records_refusals`: a request that is not let in goes into the audit log.
    """

    public: bool = False
    token_in_query: bool = False
    idempotent: bool = True
    max_body_bytes: int = MAX_BODY_BYTES
    streams_upload: bool = False
    records_refusals: bool = False


@dataclass(frozen=True, slots=True)
class RouteFamily:
    """The routes of one part of the API and what the host has to know about them.

    `name` is also the OpenAPI tag. No plugin can claim a path under `prefixes`; `exact_paths`
    are taken as they are, and plugins may claim what lies below, except for the routes of the
    family with a parameter there. `policies` maps the path of a
    route, as its decorator gives it, to its policy; other routes have the default one.
    """

    name: str
    description: str
    router: APIRouter
    prefixes: tuple[str, ...] = ()
    exact_paths: tuple[str, ...] = ()
    policies: Mapping[str, RoutePolicy] = field(default_factory=dict[str, RoutePolicy])
