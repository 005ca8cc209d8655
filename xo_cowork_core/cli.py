"""`xo-cowork`: serve, plugins, doctor, openapi."""


def main() -> int:
    """Run the command line and return the exit code."""
    from xo_cowork_core.host.serve import serve  # noqa: PLC0415

    return serve()
