"""Calls of a plugin's objects, with a time limit, with the result checked, the errors translated.

Each call runs in a task of its own. It ends with its caller; one that ignores its cancellation is
abandoned, so that no caller waits for it.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, TypeVarTuple, cast

from xo_cowork_core.sdk import Unavailable, UpstreamFailed, XoError
from xo_cowork_core.services.runtimes.call_thread import HangingCallError
from xo_cowork_core.services.runtimes.plugin_record import (
    PluginError,
    PluginRecord,
    describe_exception,
)
from xo_cowork_core.services.runtimes.type_checks import describe_value, find_mismatch, return_hint

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
CALL_SECONDS = 10.0
PLAIN_CALL_SECONDS = 10.0
# a plain call that raises CancelledError was not cancelled: nothing can cancel it
PLAIN_CALL_ERRORS = (
    Exception,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    asyncio.CancelledError,
)
RETRY_AFTER_SECONDS = 5
log = logging.getLogger("xo_cowork.runtimes")


class CallTimeout(TimeoutError):
    """A call took longer than its limit."""


async def call_runtime(
    record: PluginRecord,
    subject: object,
    method: Callable[[Any, *Arguments], Awaitable[T]],
    *arguments: *Arguments,
    action: str,
    seconds: float = CALL_SECONDS,
    of_agent: bool = False,
    is_optional: bool = False,
) -> T:
    """Call a method of the SDK on a plugin's object and return what it returns, checked.

    `action` completes the sentence "the runtime could not …". An optional call that was late the
    last time is not waited for as long. Raises the plugin's own `XoError`,
    Unavailable when the call takes longer than `seconds`, UpstreamFailed for any other exception
    and for a result of a wrong type.
    """
    place = f"{method.__name__}()"
    limit = record.limit_of(place, seconds) if is_optional else seconds
    try:
        value = await checked_call(subject, method, *arguments, seconds=limit, of_agent=of_agent)
        record.late_calls.discard(place)
        return value
    except CallTimeout:
        record.add_late_call(place, seconds)
        raise Unavailable(
            f"The runtime could not {action} within {seconds:g} s",
            retry_after=RETRY_AFTER_SECONDS,
        ) from None
    except XoError:
        raise
    except PluginError as fault:
        record.add_fault(place, str(fault))
        raise UpstreamFailed(f"The runtime could not {action}") from fault
    except Exception as error:
        log.exception("the runtime could not %s", action)
        record.add_fault(place, f"{place} raised {describe_exception(error)}")
        raise UpstreamFailed(f"The runtime could not {action}") from error


async def checked_call(
    subject: object,
    method: Callable[[Any, *Arguments], Awaitable[T]],
    *arguments: *Arguments,
    seconds: float,
    of_agent: bool = False,
) -> T:
    """Call a method of the SDK on a plugin's object. `of_agent` is that of `find_mismatch`.

    Raises what it raises, CallTimeout after `seconds`, PluginError for a wrong result.
    """
    name = method.__name__
    call = _await_call(subject, name, arguments)
    value = await run_limited(call, seconds, name)
    hint = return_hint(method)
    if hint is type(None):
        return cast("T", None)
    return cast("T", require_type(value, hint, f"{name}()", of_agent=of_agent))


def checked_plain_call(
    subject: object,
    method: Callable[[Any, *Arguments], T],
    *arguments: *Arguments,
) -> T:
    """Call a method of the SDK that is no coroutine. Raises PluginError alone. Blocks."""
    name = method.__name__
    try:
        value = getattr(subject, name)(*arguments)
    except PLAIN_CALL_ERRORS as error:
        raise PluginError(f"{name}() raised {describe_exception(error)}") from error
    return cast("T", require_type(value, return_hint(method), f"{name}()"))


async def checked_call_in_thread(
    record: PluginRecord,
    subject: object,
    method: Callable[[Any, *Arguments], T],
    *arguments: *Arguments,
) -> T:
    """Call a method of the SDK that is no coroutine and may block. Raises PluginError alone.

    One that takes longer than 10 s, with the calls before it, is not waited for.
    """
    try:
        return await record.thread.run_async(
            lambda: checked_plain_call(subject, method, *arguments), PLAIN_CALL_SECONDS
        )
    except HangingCallError:
        name, seconds = method.__name__, PLAIN_CALL_SECONDS
        raise PluginError(f"{name}() took more than {seconds:g} s") from None


def require_type(value: object, hint: Any, place: str, *, of_agent: bool = False) -> object:
    """Return a value that fits. Raises PluginError, whose text begins with the call."""
    if mismatch := find_mismatch(value, hint, place, of_agent=of_agent):
        prefix = "" if mismatch.startswith(place) else f"{place}: "
        raise PluginError(f"{prefix}{mismatch}")
    return value


async def run_limited(call: Callable[[], Awaitable[T]], seconds: float, name: str) -> T:
    """Await a call in a task of its own. Raises CallTimeout after `seconds`."""
    task = asyncio.create_task(_contain(call, name), name=f"call of {name}")
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_retrieve_exception)
    if not task.done():
        raise CallTimeout
    if task.cancelled():
        raise PluginError(f"{name}() raised CancelledError: only the host cancels a call")
    return task.result()


def _await_call(
    subject: object, name: str, arguments: tuple[object, ...]
) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        result: object = getattr(subject, name)(*arguments)
        if not inspect.isawaitable(result):
            what = describe_value(result)
            raise PluginError(f"{name}() must be a coroutine, {what}: write `async def {name}`")
        return await result

    return call


async def _contain(call: Callable[[], Awaitable[T]], name: str) -> T:
    try:
        return await call()
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        # out of a task asyncio raises them in the event loop, which would end the server
        raise PluginError(f"{name}() raised {describe_exception(error)}") from error


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
