"""The lines that `serve` prints once the server listens: its address, its runtimes, a curl."""

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.api.server import HEALTH_PATH
from xo_cowork_core.cli.output import print_line
from xo_cowork_core.cli.plugins import BROKEN_STATES
from xo_cowork_core.host.settings.model import Settings


async def print_banner(services: Services, settings: Settings, base_url: str) -> None:
    """Print the address at once and the rest when every runtime's health is known."""
    print_line(f"listening on {base_url}")
    all_ready = True
    for registered in services.registry.runtimes():
        health = await services.readiness.of(registered)
        all_ready &= health.takes_turns
        detail = f". {health.detail}" if health.detail else ""
        print_line(f"  {registered.info.name}: {health.state}{detail}")
    for record in services.registry.plugins.values():
        if record.state in BROKEN_STATES:
            print_line(f"  plugin {record.name} is {record.state}: {record.error}")
    default = settings.default_runtime
    if default and services.registry.runtime(default) is None:
        print_line(f"  the default runtime {default} (AGENT_NAME, DEFAULT_AGENT) is not there")
    if not all_ready:
        print_line("run `xo-cowork doctor` to see how to fix the ones that are not ready")
    print_line(f"try: curl {base_url}{HEALTH_PATH}")
