"""The last resort for exceptions: a 500 with the one error body."""

import logging
import secrets

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("xo_cowork.api")


class ErrorMiddleware:
    """Answers 500 to an unexpected exception and logs it under an id that the answer names.

    SystemExit is caught too: raised in a plugin's route it would end the event loop.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except (Exception, SystemExit) as error:
            fault_id = secrets.token_hex(4)
            log.error(
                "%s %s failed as %s", scope["method"], scope["path"], fault_id, exc_info=error
            )
            if started:
                # the head is sent: a broken connection shows the client that the body is incomplete
                raise RuntimeError(f"answer broken off, see {fault_id}") from None
            detail = f"Internal error; the log names it as {fault_id}"
            await JSONResponse({"detail": detail}, 500)(scope, receive, send)
