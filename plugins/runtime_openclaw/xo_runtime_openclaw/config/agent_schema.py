"""The fields of an agent in OpenClaw's configuration, and their checks.

Each one was tried against `openclaw config validate` of 2026.9.6. A field outside this list would
make the whole file invalid, and the gateway would not start.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from xo_cowork_core.sdk import BadRequest, Json, JsonValue
from xo_runtime_openclaw.config.json5_edit import Edit, Path, RemoveValue, SetValue

Check: TypeAlias = Callable[[JsonValue], bool]
IDENTITY = frozenset({"name", "theme", "emoji", "avatar"})
DECISION = re.compile(r"(?=.{3,512}$)[^/\s]+/\S+|")  # a provider's model, or none
SECRET = re.compile(r"key|token|secret|passw|credential|data$|header|^env$", re.IGNORECASE)


def _text(value: JsonValue) -> bool:
    return isinstance(value, str)


def _texts(value: JsonValue) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _count(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53


def _one_of(*allowed: JsonValue) -> Check:
    return lambda value: any(value is option or value == option for option in allowed)


def _model(value: JsonValue) -> bool:
    if isinstance(value, dict):
        parts = (_text(value.get("primary", "")), _texts(value.get("fallbacks", [])))
        return value.keys() <= {"primary", "fallbacks"} and all(parts)
    return _text(value)


def _identity(value: JsonValue) -> bool:
    if not isinstance(value, dict) or not value.keys() <= IDENTITY:
        return False
    return all(part is None or _text(part) for part in value.values()) and _avatar(value)


def _avatar(identity: Mapping[str, JsonValue]) -> bool:
    """Accept a URL, or a file inside the agent's workspace."""
    avatar = identity.get("avatar")
    if not isinstance(avatar, str) or re.match(r"(?i)https?:|data:", avatar):
        return True
    outside = re.match(r"[a-zA-Z][\w+.-]*:|[/~\\]", avatar)
    return not outside and ".." not in re.split(r"[/\\]", avatar)


THINKING = ("off", "minimal", "low", "medium", "high", "xhigh", "adaptive", "max", "ultra")
CHECKS: Mapping[str, Check] = {
    "name": _text,
    "description": _text,
    "workspace": _text,
    "cwd": _text,
    "model": _model,
    "utilityModel": _text,
    "decisionModel": lambda value: isinstance(value, str) and bool(DECISION.fullmatch(value)),
    "thinkingDefault": _one_of(*THINKING),
    "verboseDefault": _one_of("off", "on", "full"),
    "toolProgressDetail": _one_of("explain", "raw"),
    "reasoningDefault": _one_of("on", "off", "stream"),
    "fastModeDefault": lambda value: isinstance(value, bool) or value == "auto",
    "contextInjection": _one_of("always", "continuation-skip", "never"),
    "typingMode": _one_of("never", "instant", "thinking", "message"),
    "bootstrapMaxChars": _count,
    "bootstrapTotalMaxChars": _count,
    "skills": _texts,
    "identity": _identity,
}
# OpenClaw checks these: the gateway, or `openclaw config validate`
DEEP = frozenset(
    {
        "contextLimits", "embeddedAgent", "experimental", "groupChat", "heartbeat", "humanDelay",
        "memory", "modelPolicy", "models", "params", "runtime", "sandbox", "skillsLimits",
        "subagents", "tts",
    }
)  # fmt: skip
# not `tools`: an object there, a list on the wire; not `agentDir`: fixed for a live agent
FIELDS = frozenset(CHECKS) | DEEP


def check(fields: Json) -> None:
    """Raise BadRequest for a field whose value OpenClaw would refuse."""
    for name, value in fields.items():
        if name in CHECKS and not CHECKS[name](value):
            raise BadRequest(f"OpenClaw takes no such value for an agent's `{name}`")
        if name in DEEP and name != "params" and not isinstance(value, dict):
            raise BadRequest(f"`{name}` must be an object")


def shown(stored: Json) -> Json:
    """Return the public fields of a stored entry: without secrets, `model` as one name."""
    fields = {name: _without_secrets(value) for name, value in stored.items() if name in FIELDS}
    model = fields.get("model")
    if isinstance(model, dict):
        fields["model"] = model.get("primary")
    return {name: value for name, value in fields.items() if value is not None}


def _without_secrets(value: JsonValue) -> JsonValue:
    """Remove values that may be secret; an edit that does not name them keeps them."""
    if isinstance(value, dict):
        return {
            key: _without_secrets(part) for key, part in value.items() if not SECRET.search(key)
        }
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


def edits(path: Path, stored: Json, fields: Json) -> list[Edit]:
    """Return the edits that merge fields into the entry at `path`; a null removes a field."""
    result: list[Edit] = []
    for name, value in fields.items():
        before = stored.get(name)
        if name == "model" and isinstance(before, dict) and isinstance(value, str):
            result.append(SetValue((*path, name, "primary"), value))
        elif isinstance(before, dict) and isinstance(value, dict):
            result.extend(edits((*path, name), before, value))
        elif value is None:
            result.append(RemoveValue((*path, name)))
        elif before != value:
            result.append(SetValue((*path, name), _without_nulls(value)))
    return result


def _without_nulls(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value
