"""A server that knows the prices of the models of real agents.

A server looks up the price of a model that it does not know in a program of its own, which takes
0.3 s of CPU. The tests of an agent start many servers and ask for no price.
"""

from collections.abc import Mapping

from xo_cowork_core.sdk.testing import LiveServer

MODELS = ("fake-model", "claude-opus-5-5")


def priced_server(environment: Mapping[str, str]) -> LiveServer:
    """Return a server, not started, with a list of prices of the user's own."""
    server = LiveServer(environment=environment)
    server.state.mkdir(mode=0o700)
    prices = "".join(f'["{model}"]\ninput = 1.0\noutput = 2.0\n' for model in MODELS)
    (server.state / "prices.toml").write_text(prices)
    return server
