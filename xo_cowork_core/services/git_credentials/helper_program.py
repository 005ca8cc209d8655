"""A credential helper of git: asks the server for a host's credential, with the token of the run.

git runs it by its path, without this package: the standard library alone, and little of it, as git
waits for it. Arguments: the server's URL, the hosts with commas between them, and git's operation.
It prints nothing for another host, another protocol, or where the server has no credential; why
goes to stderr, which git passes on.
"""

import json
import os
import socket
import sys
from typing import Any

TOKEN_VARIABLE = "XO_GIT_RUN"  # noqa: S105  # the name of a variable
ANSWER_SECONDS = 40.0
MAX_ANSWER_BYTES = 64 * 1024
UNREACHABLE = "The workspace's server does not answer, so git has no sign-in for this host."


def main(arguments: list[str]) -> None:
    """Answer one request of git."""
    url, hosts, operation = arguments
    if operation != "get":
        return
    pairs = (line.split("=", 1) for line in sys.stdin.read().splitlines() if "=" in line)
    attributes = dict(pairs)
    host = attributes.get("host", "").lower()
    if attributes.get("protocol") != "https" or host not in hosts.split(","):
        return
    try:
        status, answer = ask(url, host, os.environ.get(TOKEN_VARIABLE, ""))
        if status == 200:
            print(f"username={answer['username']}\npassword={answer['password']}")  # noqa: T201
        else:
            print(reason_of(answer), file=sys.stderr)  # noqa: T201
    except (OSError, ValueError, LookupError, TypeError):
        print(UNREACHABLE, file=sys.stderr)  # noqa: T201


def ask(url: str, host: str, token: str) -> tuple[int, Any]:
    """Return the status and the JSON body of the server's answer. Raises OSError, ValueError."""
    authority, _, path = url.removeprefix("http://").partition("/")
    name, _, port = authority.rpartition(":")
    body = json.dumps({"protocol": "https", "host": host}).encode()
    head = (
        f"POST /{path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((name.strip("[]"), int(port)), ANSWER_SECONDS) as connection:
        connection.sendall(head.encode() + body)
        answer = b""
        while len(answer) < MAX_ANSWER_BYTES and (chunk := connection.recv(MAX_ANSWER_BYTES)):
            answer += chunk
    answer_head, _, content = answer.partition(b"\r\n\r\n")
    return int(answer_head.split(b" ", 2)[1]), json.loads(content)


def reason_of(answer: Any) -> str:
    """Return the sentence of an error body."""
    detail = answer["detail"]
    return detail if isinstance(detail, str) else detail["message"]


if __name__ == "__main__":
    main(sys.argv[1:])
