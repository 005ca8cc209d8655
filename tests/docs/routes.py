"""The routes that the pages name, and those that a server has."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tests.docs.pages import Page, own_pages
from tests.docs.runtimes_page import own_plugins
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.settings.model import read_settings

METHOD = r"(?:GET|POST|PUT|PATCH|DELETE)"
REQUEST = re.compile(rf"`({METHOD} [^`]*|{METHOD}, [^`]*)`")
# methods with commas between them, a path, a query, the keys of a body
SHAPE = re.compile(rf"({METHOD}(?:, {METHOD})*) (/[^\s?]*)(?:\?(\S+))?(?: \{{(.*)\}})?")
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a page writes it; `keys` of its body, those with a `?` marked optional."""

    page: str
    method: str
    path: str
    query: Sequence[str]
    keys: Sequence[str]

    @property
    def route(self) -> str:
        return f"{self.method} {unnamed(self.path)}"


def unnamed(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def requests() -> Iterator[Request]:
    """Every request that the pages name."""
    for page in own_pages():
        for text in REQUEST.findall(page.prose):
            yield from _requests(page, text)


def _requests(page: Page, text: str) -> Iterator[Request]:
    found = SHAPE.fullmatch(text)
    assert found, f"{page.path.name}: write METHOD /path?query {{keys}}, not {text}"
    methods, path, query, keys = found.groups()
    names = [part.partition("=")[0] for part in (query or "").split("&") if part]
    for method in methods.split(", "):
        yield Request(page.path.name, method, path, names, (keys or "").split(", "))


def served(*, plugins: bool) -> dict[str, Schema]:
    """Map each route of a server to its operation; without plugins they are the core's."""
    names = ",".join(own_plugins()) if plugins else "none"
    with tempfile.TemporaryDirectory() as folder:
        given = {"HOME": folder, "XO_STATE_DIR": folder, "XO_PLUGINS": names}
        document = create_app(read_settings(given)).openapi()
    schemas = document["components"]["schemas"]
    return {
        f"{method.upper()} {unnamed(path)}": {**operation, "body": _body(operation, schemas)}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _body(operation: Schema, schemas: Schema) -> Schema:
    """Return the schema of a JSON body, empty where anything or nothing is taken."""
    content = operation.get("requestBody", {}).get("content", {})
    schema: Schema = content.get("application/json", {}).get("schema", {})
    choices = cast("Sequence[Schema]", schema.get("anyOf", [schema]))
    names = [str(choice["$ref"]).rpartition("/")[2] for choice in choices if "$ref" in choice]
    return schemas[names[0]] if names else {}
