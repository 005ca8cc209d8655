"""The table of route families, and that no path of it is written twice."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

import xo_cowork_core
from xo_cowork_core.api.families import (
    FAMILIES,
    RoutePolicies,
    build_policies,
    claimed_paths,
    claimed_prefixes,
)
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.host.plugins.routes import is_under, list_route_keys

policy_for = build_policies().find
SOURCE = Path(xo_cowork_core.__file__).parent
EACH = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@EACH
def test_every_route_of_a_family_lies_in_its_claims(family: RouteFamily) -> None:
    for _, path in list_route_keys(family.load_router().routes):
        below = any(is_under(path, prefix) for prefix in family.prefixes)
        # what a plugin may claim there is one value of the parameter
        shared = any(path.startswith(f"{exact}/{{}}") for exact in family.exact_paths)
        assert below or shared or path in family.exact_paths, path


@EACH
def test_the_shared_paths_of_a_family_are_its_routes_below_an_exact_path(
    family: RouteFamily,
) -> None:
    paths = {route.path for route in family.load_router().routes if isinstance(route, APIRoute)}
    shared = {
        path for path in paths for exact in family.exact_paths if path.startswith(f"{exact}/{{")
    }
    assert set(family.shared_paths) == shared


@EACH
def test_every_policy_of_a_family_belongs_to_a_route(family: RouteFamily) -> None:
    paths = {route.path for route in family.load_router().routes if isinstance(route, APIRoute)}
    assert set(family.policies) <= paths


def test_no_two_families_claim_overlapping_paths() -> None:
    claimed = claimed_prefixes()
    assert len({*claimed, *claimed_paths()}) == len(claimed) + len(claimed_paths())
    for prefix in claimed:
        assert [each for each in claimed if is_under(prefix, each)] == [prefix]


def test_only_reading_a_stream_takes_the_token_from_the_query() -> None:
    for method in ("GET", "POST"):
        policy = policy_for(method, "/api/chat/stream/some-id")
        assert policy.token_in_query
        assert not policy.idempotent
    for path in ("/api/chat/stream", "/api/chat/stream/a/b", "/api/chat/prompt", "/x"):
        assert not policy_for("GET", path).token_in_query


def test_a_route_that_no_family_names_is_closed_and_limited() -> None:
    assert policy_for("POST", "/api/acme/hello") == RoutePolicy()


def test_only_mutating_methods_are_idempotent() -> None:
    assert policy_for("PATCH", "/api/sessions/s").idempotent
    assert not policy_for("GET", "/api/sessions/s").idempotent


def test_a_policy_holds_for_every_value_of_a_path_parameter() -> None:
    policy = RoutePolicy(max_body_bytes=10)
    family = RouteFamily("notes", "", "", policies={"/api/notes/{note_id}": policy})
    policies = RoutePolicies([family.policies])
    assert policies.find("PUT", "/api/notes/one").max_body_bytes == 10
    assert policies.find("PUT", "/api/notes/one/two").max_body_bytes != 10


def test_no_path_of_a_route_is_written_in_two_files() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for part in ("api", "host"):
        for file in (SOURCE / part).rglob("*.py"):
            for text in _plain_strings(file):
                if any(is_under(text, prefix) for prefix in claimed_prefixes()):
                    places[text].add(str(file.relative_to(SOURCE)))
    assert {text: files for text, files in places.items() if len(files) > 1} == {}


def _plain_strings(file: Path) -> list[str]:
    nodes = ast.walk(ast.parse(file.read_text()))
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
