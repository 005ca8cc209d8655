"""A route that FastAPI builds when its app first needs it."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute


class LazyRoute(APIRoute):
    """The declaration of a route whose router is included in an app.

    FastAPI builds the parameters and the fields of an included route for the app, when a request
    first reaches the router or the OpenAPI document is made. It reads the declaration for that.
    `APIRoute` builds the same for the declaration itself, at import, where nothing uses it: that
    doubles the cost of every route.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self.path = path
        self.endpoint = endpoint
        self.methods = set(methods or ("GET",))
        self.name = name or endpoint.__name__
        self.stream_item_type = None
        self.form_limits = {}
        vars(self).update(options)


def lazy_router() -> APIRouter:
    """Return a router of lazy routes. It must be included in an app: it can't serve by itself."""
    return APIRouter(route_class=LazyRoute)
