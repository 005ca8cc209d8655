"""A turn over HTTP chat/completions, for when the control protocol cannot be used.

Text only: over HTTP, OpenClaw shows no tools, no text before a tool, no approvals and no session
id. Closing the stream stops the run.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import httpx

from xo_cowork_core.sdk import AgentFailure, Done, Event, HostContext, TextDelta, Tokens, Turn
from xo_cowork_core.sdk.events.base import FinishReason
from xo_runtime_openclaw.gateway.bootstrap import read_token
from xo_runtime_openclaw.gateway.frames import Row, read_json, row, rows, text_of
from xo_runtime_openclaw.options import Options
from xo_runtime_openclaw.run import failures
from xo_runtime_openclaw.run.prompt import model_of

ASK_SECONDS = 5.0
PREFIX = "openclaw/"
MAIN = "main"
SIGN_IN = "The OpenClaw gateway does not accept the token in ~/.openclaw/.env"


class HttpFallback:
    """Runs turns over HTTP."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its text. Raises `AgentFailure`."""
        async with self._client() as client:
            agent = await self._agent(client, turn)
            has_text = False
            usage: Tokens | None = None
            finish: FinishReason = "stop"
            async for chunk in self._chunks(client, turn, agent):
                if error := row(chunk.get("error")):
                    raise failures.run_failure(text_of(error.get("message")), {})
                usage = _usage(row(chunk.get("usage"))) or usage
                for choice in rows(chunk.get("choices")):
                    if text := text_of(row(choice.get("delta")).get("content")):
                        has_text = True
                        yield TextDelta(text)
                    finish = "length" if choice.get("finish_reason") == "length" else finish
            if not has_text and usage is None:
                raise AgentFailure("The OpenClaw gateway broke the answer off", code="network")
            yield Done(finish, usage)

    def _client(self) -> httpx.AsyncClient:
        timeout = httpx.Timeout(ASK_SECONDS, read=self._options.silent_seconds)
        return httpx.AsyncClient(
            base_url=self._options.http_url, timeout=timeout, trust_env=not self._options.loopback
        )

    async def _agent(self, client: httpx.AsyncClient, turn: Turn) -> str:
        """Return the agent by name: with several agents, the gateway has no default."""
        try:
            answer = await client.get("/v1/models", headers=await self._headers(turn, MAIN))
        except httpx.HTTPError as error:
            raise _lost(error) from None
        if answer.status_code in {401, 403}:
            raise AgentFailure(SIGN_IN, code="auth")
        model_ids = [
            text_of(model.get("id")) for model in rows(row(read_json(answer.text)).get("data"))
        ]
        agents = [name.removeprefix(PREFIX) for name in model_ids if name.startswith(PREFIX)]
        agents = [agent for agent in agents if agent != "default"]
        if turn.agent_id and turn.agent_id in agents:
            return turn.agent_id
        return agents[0] if agents and MAIN not in agents else MAIN

    async def _chunks(
        self, client: httpx.AsyncClient, turn: Turn, agent: str
    ) -> AsyncIterator[Row]:
        body = {
            "model": f"{PREFIX}{agent}",
            "messages": [{"role": "user", "content": turn.text}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        headers = await self._headers(turn, agent)
        try:
            async with client.stream(
                "POST", "/v1/chat/completions", json=body, headers=headers
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refused(answer.status_code, await answer.aread())
                async for line in answer.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if line.startswith("data:") and data != "[DONE]":
                        yield row(read_json(data))
        except httpx.ReadTimeout:
            raise failures.silent(self._options.silent_seconds) from None
        except httpx.HTTPError as error:
            raise _lost(error) from None

    async def _headers(self, turn: Turn, agent: str) -> dict[str, str]:
        token = await asyncio.to_thread(read_token, self._context, self._options)
        headers = {"x-openclaw-session-key": f"agent:{agent}:xo:again:{turn.session_id}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if model := model_of(turn):
            headers["x-openclaw-model"] = model
        return headers


def _usage(usage: Row) -> Tokens | None:
    if not usage:
        return None
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return Tokens(
        input=prompt if isinstance(prompt, int) else 0,
        output=output if isinstance(output, int) else 0,
    )


def _refused(status: int, body: bytes) -> AgentFailure:
    error = row(row(read_json(body)).get("error"))
    text = text_of(error.get("message")) or f"HTTP {status}"
    if error.get("type") == "unauthorized":
        return AgentFailure(SIGN_IN, code="auth")
    return failures.run_failure(f"OpenClaw refused the turn: {text} (HTTP {status})", {})


def _lost(error: httpx.HTTPError) -> AgentFailure:
    return AgentFailure(
        f"The connection to the OpenClaw gateway broke ({type(error).__name__})", code="network"
    )
