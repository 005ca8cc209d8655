"""Calls one ability of several runtimes at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar, TypeVarTuple

from xo_cowork_core.sdk import Unavailable, XoError
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
LIST_SECONDS = 5.0
log = logging.getLogger("xo_cowork.runtimes")


class Request(NamedTuple):
    """What to call: a method of `ability`; `action` completes "the runtime could not …"."""

    ability: type
    action: str


async def collect(
    runtimes: Sequence[RegisteredRuntime],
    request: Request,
    method: Callable[[Any, *Arguments], Awaitable[T]],
    *arguments: *Arguments,
) -> Sequence[tuple[RegisteredRuntime, T]]:
    """Return the result of each runtime that has the ability and serves, in the given order.

    A runtime that fails is logged and left out: the results of the others count.
    """
    asked = [
        each
        for each in runtimes
        if isinstance(each.runtime, request.ability) and each.plugin.serves
    ]
    results = await asyncio.gather(
        *(_call_or_none(each, request.action, method, *arguments) for each in asked)
    )
    return [
        (each, result[0]) for each, result in zip(asked, results, strict=True) if result is not None
    ]


async def _call_or_none(
    registered: RegisteredRuntime,
    action: str,
    method: Callable[[Any, *Arguments], Awaitable[T]],
    *arguments: *Arguments,
) -> tuple[T] | None:
    try:
        value = await registered.call(
            method, *arguments, action=action, seconds=LIST_SECONDS, is_optional=True
        )
    except Unavailable as error:
        # such as a gateway that does not run
        log.debug("%s could not %s: %s", registered.info.name, action, error.message)
        return None
    except XoError as error:
        log.warning("%s could not %s: %s", registered.info.name, action, error.message)
        return None
    return (value,)
