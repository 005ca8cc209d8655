"""Refreshes tokens that `rclone authorize` got: only rclone knows the OAuth client that they need.

The host decides when, and has one refresh at a time. rclone gets a section of its own for it, named
after the refresh token, with an access token that has expired; one request to the service lets it
refresh, and it stores the result in the section. A server that is killed before the host has stored
the result finds it there: a rotated refresh token is not lost.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from xo_cowork_core.sdk import Unauthorized, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import TokenSet
from xo_lib_rclone.authorize import read_token
from xo_lib_rclone.backend import RcloneBackend
from xo_lib_rclone.errors import TokenRefused
from xo_lib_rclone.rc import RemoteControl
from xo_lib_rclone.remotes import ANSWERS, REFRESH_PREFIX
from xo_lib_rclone.sections import read_sections

EXPIRED = "2000-01-01T00:00:00Z"
MIN_LIFE = timedelta(seconds=60)
REQUEST_SECONDS = 25.0


class RcloneRefresh:
    """The refreshes of one connector."""

    def __init__(self, backend: RcloneBackend, rc: RemoteControl) -> None:
        self._backend = backend
        self._rc = rc

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        """Return new tokens. Raises Unauthorized, Unavailable, UpstreamFailed."""
        name = section_name(tokens)
        known = await self._read(name) or tokens
        if known.access_token != tokens.access_token and _lives(known):
            return known
        await self._rc.call(
            "config/create",
            {
                "name": name,
                "type": self._backend.type,
                "parameters": {
                    **self._backend.refresh_options(),
                    **ANSWERS,
                    "token": _expired_token(known),
                },
                "opt": {"nonInteractive": True},
            },
        )
        failure = await self._request(name)
        fresh = await self._read(name)
        if fresh is not None and fresh.access_token != known.access_token:
            return fresh
        if isinstance(failure, TokenRefused):
            raise Unauthorized(failure.message)
        raise failure or UpstreamFailed("rclone did not refresh the sign-in.")

    async def forget(self, tokens: TokenSet) -> None:
        """Remove what is left of the refreshes of tokens that were revoked."""
        names = [section_name(tokens), *await self._sections_with(tokens)]
        for name in dict.fromkeys(names):
            if await self._read(name) is not None:
                await self._rc.call("config/delete", {"name": name})

    async def _request(self, name: str) -> XoError | None:
        """Let rclone use a section; return why the request failed."""
        try:
            await self._rc.call("operations/about", {"fs": f"{name}:"}, timeout=REQUEST_SECONDS)
        except XoError as error:
            return error
        return None

    async def _sections_with(self, tokens: TokenSet) -> list[str]:
        """Return the sections whose refresh gave these tokens."""
        sections = await asyncio.to_thread(self._read_all)
        stored = {
            name: _token_of(section)
            for name, section in sections.items()
            if name.startswith(REFRESH_PREFIX)
        }
        wanted = _refresh_token(tokens)
        return [name for name, each in stored.items() if each and _refresh_token(each) == wanted]

    async def _read(self, name: str) -> TokenSet | None:
        sections = await asyncio.to_thread(self._read_all)
        return _token_of(sections.get(name, {}))

    def _read_all(self) -> Mapping[str, Mapping[str, str]]:
        return read_sections(self._rc.daemon.config_file())


def section_name(tokens: TokenSet) -> str:
    """Return the name of the section in which tokens are refreshed; no remote can have it."""
    return REFRESH_PREFIX + hashlib.sha256(_refresh_token(tokens).encode()).hexdigest()[:32]


def _refresh_token(tokens: TokenSet) -> str:
    return tokens.refresh_token.get_secret_value() if tokens.refresh_token else ""


def _expired_token(tokens: TokenSet) -> str:
    return json.dumps(
        {
            "access_token": tokens.access_token.get_secret_value(),
            "token_type": tokens.token_type,
            "refresh_token": _refresh_token(tokens),
            "expiry": EXPIRED,
        }
    )


def _token_of(section: Mapping[str, str]) -> TokenSet | None:
    """Return the tokens of a section; None where there are none that can be read."""
    try:
        return read_token(section.get("token", ""))
    except UpstreamFailed:
        return None


def _lives(tokens: TokenSet) -> bool:
    return tokens.expires_at is None or tokens.expires_at > datetime.now(UTC) + MIN_LIFE
