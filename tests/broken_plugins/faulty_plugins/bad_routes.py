"""Brings the claims and routes that FAULTY_ROUTES names: `claim;METHOD path,METHOD path`."""

import os

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, hookimpl

CLAIM, _, ROUTES = os.environ.get("FAULTY_ROUTES", "").partition(";")


async def answer() -> dict[str, bool]:
    return {"mounted": True}


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=[CLAIM])

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter()
        for number, route in enumerate(ROUTES.split(",")):
            method, path = route.split()
            router.add_api_route(path, answer, methods=[method], name=f"route{number}")
        return [router]


plugin = Plugin()
