#!/usr/bin/env python3
"""A small agent without a model, for the example `jsonl_runtime.py`.

It reads JSON lines: first `{"prompt", "write"}`, later `{"id", "allow"}` for each request and
`{"stop"}`. It writes JSON lines: `text`, `call`, `ask`, `result` and `refused`. It exits when the
turn is over. A prompt is a command: `say TEXT`, `write NAME JSON`, `tick SECONDS`,
`work NAME SECONDS` (a tool that appends to a file all the while), `hang` or `die`.
"""

import json
import sys
import threading
import time
import uuid
from pathlib import Path

TICK_SECONDS = 0.1
stopped = threading.Event()
answers: dict[str, bool] = {}
answered = threading.Condition()


def send(kind: str, **fields: object) -> None:
    print(json.dumps({"type": kind, **fields}), flush=True)  # noqa: T201


def listen() -> None:
    """Read what comes during the turn; the end of the input stops the turn, too."""
    for line in sys.stdin:
        message = json.loads(line)
        if "stop" in message:
            break
        with answered:
            answers[message["id"]] = message["allow"]
            answered.notify_all()
    stopped.set()
    with answered:
        answered.notify_all()


def is_allowed(call: str, rule: str, path: str) -> bool:
    if rule != "ask":
        return rule == "allow"
    send("ask", id=call, tool="write", path=path)
    with answered:
        answered.wait_for(lambda: call in answers or stopped.is_set())
    return answers.get(call, False)


def write(rest: str, rule: str) -> None:
    path, _, text = rest.partition(" ")
    content = json.loads(text)
    call = f"call-{uuid.uuid4()}"
    send("call", id=call, tool="write", arguments={"file_path": path, "content": content})
    if not is_allowed(call, rule, path):
        send("refused", id=call, tool="write", output="You did not allow it.")
    else:
        Path(path).write_text(content)
        send("result", id=call, tool="write", output=f"Wrote {path}")
    send("text", text="That was the file.")


def tick(seconds: float) -> None:
    for number in range(int(seconds / TICK_SECONDS)):
        send("text", text=f"tick-{number} ")
        if stopped.wait(TICK_SECONDS):
            return


def work(rest: str) -> None:
    path, _, seconds = rest.partition(" ")
    call = f"call-{uuid.uuid4()}"
    send("call", id=call, tool="work", arguments={"path": path})
    for _ in range(int(float(seconds) / TICK_SECONDS)):
        with Path(path).open("a") as file:
            file.write("worked\n")
        if stopped.wait(TICK_SECONDS):
            return
    send("result", id=call, tool="work", output="The work is done.")
    send("text", text="I worked.")


def main() -> None:
    first = json.loads(sys.stdin.readline())
    threading.Thread(target=listen, daemon=True).start()
    prompt = first["prompt"].split("\n\n---\n\n> **Project context**")[0]
    command, _, rest = prompt.partition(" ")
    if command == "say":
        for start in range(0, len(rest), 64):
            send("text", text=rest[start : start + 64])
    elif command == "write":
        write(rest, first["write"])
    elif command == "tick":
        tick(float(rest))
    elif command == "work":
        work(rest)
    elif command == "hang":
        time.sleep(3600)
    elif command == "die":
        send("text", text="Last words.")
        sys.exit("died on purpose")


if __name__ == "__main__":
    main()
