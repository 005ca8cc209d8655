"""Its lazy router has the fault that FAULTY_FAULT names; its runtime works."""

import os
import time

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, LazyRouter, Runtime, RuntimeInfo, TextDelta, hookimpl

FAULT = os.environ.get("FAULTY_FAULT", "")


class Lazy(Runtime):
    def describe(self):
        return RuntimeInfo("lazy", "Lazy")

    async def run(self, turn):
        yield TextDelta("done")


def build():
    match FAULT:
        case "raise":
            raise SystemExit("no paper")
        case "hang":
            time.sleep(60)
        case "nothing":
            return None
    router = APIRouter()
    extra = {"x-lock": object()} if FAULT == "schema" else None

    @router.get("/api/lazy/built", openapi_extra=extra)
    @router.get("/api/yours" if FAULT == "outside" else "/api/lazy/other")
    async def built() -> dict[str, bool]:
        return {"built": True}

    return router


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/lazy"])

    @hookimpl
    def xo_runtimes(self):
        return [Lazy()]

    @hookimpl
    def xo_routers(self):
        return [LazyRouter(build)]


plugin = Plugin()
