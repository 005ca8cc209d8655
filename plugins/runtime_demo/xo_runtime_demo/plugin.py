"""What the plugin brings: one runtime."""

from collections.abc import Sequence

from xo_cowork_core.sdk import HostContext, Runtime, hookimpl


class DemoPlugin:
    """Hooks only."""

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_demo.runtime import DemoRuntime  # noqa: PLC0415 - keeps the import cheap

        return [DemoRuntime(context.log)]


plugin = DemoPlugin()
