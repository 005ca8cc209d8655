"""The hooks of the demo plugin."""

from collections.abc import Sequence

from xo_cowork_core.sdk import HostContext, Runtime, hookimpl


class DemoPlugin:
    """Contributes the demo runtime."""

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        from xo_runtime_demo.runtime import DemoRuntime  # noqa: PLC0415 - the plugin's import stays cheap

        return [DemoRuntime(context.log)]


plugin = DemoPlugin()
