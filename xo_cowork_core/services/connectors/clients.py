"""The OAuth clients that this server is: declared, from a plugin's secrets, or registered."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from xo_cowork_core.sdk import Secrets
from xo_cowork_core.sdk.connector import OAuthClient
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.connectors.discovery import ServerMetadata
from xo_cowork_core.services.connectors.errors import NotConfigured, StorageFailed
from xo_cowork_core.services.connectors.oauth_requests import (
    DEVICE_GRANT,
    ClientAuthentication,
    ClientCredentials,
    OAuthRequests,
)
from xo_cowork_core.services.connectors.private_values import encode_private
from xo_cowork_core.storage.json_file import JsonFile

VERSION = 1
MAX_REGISTRATIONS = 128
log = logging.getLogger("xo_cowork.connectors")


@frozen_dataclass
class Registration:
    """One registered client, bound to its issuer and redirect URI (empty for device codes)."""

    issuer: str
    redirect_uri: str
    client: ClientCredentials


class OAuthClients:
    """Finds the client of a method. It owns the file of registrations."""

    def __init__(self, file: Path, requests: OAuthRequests) -> None:
        self._file = JsonFile(file, version=VERSION)
        self._requests = requests
        self._registrations: list[Registration] = []
        self._registering = asyncio.Lock()

    async def start(self) -> None:
        """Read the registrations. A damaged file is set aside: clients register again."""
        self._registrations = await asyncio.to_thread(self._read)

    async def resolve(
        self,
        declared: OAuthClient,
        metadata: ServerMetadata,
        secrets: Secrets | None,
        *,
        redirect_uri: str = "",
        scopes: Sequence[str] = (),
    ) -> ClientCredentials:
        """Return the client for a new sign-in, registered if need be.

        Raises NotConfigured when its id is not set, RegistrationFailed, StorageFailed.
        """
        configured = await self._configured(declared, metadata, secrets)
        if configured is not None:
            return configured
        if not declared.register:
            raise NotConfigured(_missing_id(declared))
        async with self._registering:
            known = self._find(_issuer(metadata), redirect_uri)
            return known or await self._register(declared, metadata, redirect_uri, scopes)

    async def recall(
        self,
        declared: OAuthClient,
        metadata: ServerMetadata,
        secrets: Secrets | None,
        client_id: str,
    ) -> ClientCredentials:
        """Return the client that got the tokens of a connection. Raises NotConfigured."""
        for registration in self._registrations:
            if registration.client.client_id == client_id:
                return registration.client
        configured = await self._configured(declared, metadata, secrets, client_id)
        if configured is None:
            raise NotConfigured(_missing_id(declared))
        # a registration that was forgotten: the tokens are still its own
        was_registered = declared.register and configured.client_secret is None
        return replace(configured, registered=was_registered)

    async def forget(self, client_id: str) -> None:
        """Drop a registration that the server no longer knows, so that the next one is new.

        Harmless for a client that was not registered. Raises StorageFailed.
        """
        remaining = [each for each in self._registrations if each.client.client_id != client_id]
        if len(remaining) != len(self._registrations):
            await self._store(remaining)

    def registered_port(self, metadata: ServerMetadata, host: str, path: str) -> int:
        """Return the loopback port that the newest registration is bound to; 0 without one."""
        for registration in reversed(self._registrations):
            parts = urlsplit(registration.redirect_uri)
            if registration.issuer == _issuer(metadata) and (parts.hostname, parts.path) == (
                host,
                path,
            ):
                return parts.port or 0
        return 0

    async def _configured(
        self,
        client: OAuthClient,
        metadata: ServerMetadata,
        secrets: Secrets | None,
        client_id: str = "",
    ) -> ClientCredentials | None:
        keys = [key for key in (client.client_id_key, client.client_secret_key) if key]
        values: Mapping[str, SecretStr] = {}
        if keys and secrets is not None:
            values = await asyncio.to_thread(secrets.environment)
        secret = values.get(client.client_secret_key) if client.client_secret_key else None
        configured_id = values.get(client.client_id_key) if client.client_id_key else None
        name = client_id or client.client_id
        if not name and configured_id is not None:
            name = configured_id.get_secret_value().strip()
        if not name:
            return None
        if secret is None or not secret.get_secret_value():
            return ClientCredentials(name)
        return ClientCredentials(name, secret, _authentication(client, metadata.auth_methods))

    def _find(self, issuer: str, redirect_uri: str) -> ClientCredentials | None:
        for each in reversed(self._registrations):
            if (each.issuer, each.redirect_uri) == (issuer, redirect_uri):
                return each.client
        return None

    async def _register(
        self,
        declared: OAuthClient,
        metadata: ServerMetadata,
        redirect_uri: str,
        scopes: Sequence[str],
    ) -> ClientCredentials:
        grant = "authorization_code" if redirect_uri else DEVICE_GRANT
        client = await self._requests.register(
            metadata,
            client_name=declared.client_name,
            redirect_uris=[redirect_uri] if redirect_uri else [],
            grant_types=[grant, "refresh_token"],
            scopes=scopes,
        )
        added = Registration(_issuer(metadata), redirect_uri, client)
        await self._store([*self._registrations, added][-MAX_REGISTRATIONS:])
        return client

    async def _store(self, registrations: Sequence[Registration]) -> None:
        self._registrations = list(registrations)
        value: dict[str, object] = {
            "version": VERSION,
            "registrations": encode_private(self._registrations),
        }
        try:
            await asyncio.to_thread(self._file.write, value)
        except OSError as error:
            raise StorageFailed(
                f"The registration can't be stored: {error.strerror or 'the disk refuses it'}."
            ) from None

    def _read(self) -> list[Registration]:
        content = self._file.read()
        if content.value:
            try:
                entries = content.value.get("registrations")
                return TypeAdapter(list[Registration]).validate_python(entries)
            except ValidationError:
                content = self._file.set_aside("it has another shape")
        if content.set_aside:
            log.error(
                "the clients that were registered are lost: %s; the file is kept as %s",
                content.problem,
                content.set_aside.name,
            )
        return []


def _issuer(metadata: ServerMetadata) -> str:
    return metadata.server.issuer or metadata.server.registration_endpoint


def _authentication(client: OAuthClient, supported: Sequence[str]) -> ClientAuthentication:
    if client.authentication:
        return client.authentication
    posts = "client_secret_post" in supported and "client_secret_basic" not in supported
    return "post" if posts else "basic"


def _missing_id(client: OAuthClient) -> str:
    if client.client_id_key:
        return f"This way to sign in needs a client id: set {client.client_id_key}."
    return "This way to sign in has no client id."
