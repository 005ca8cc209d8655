"""A plugin that keeps a process running."""

SLEEPER = """
from contextlib import asynccontextmanager

from xo_cowork_core.sdk import hookimpl

class Plugin:
    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        await context.processes.spawn(["sleep", "300"], cwd=context.paths.home, environment={})
        yield

plugin = Plugin()
"""
