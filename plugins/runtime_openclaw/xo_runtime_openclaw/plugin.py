"""What the plugin brings: one runtime, its settings and its secrets."""


class OpenClawPlugin:
    """Hooks only."""


plugin = OpenClawPlugin()
