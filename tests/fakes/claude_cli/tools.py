"""Tools of the fake: Write, Edit, Read and Bash for real, questions and plans as requests."""

import json
import os
import signal
import subprocess
from pathlib import Path

from stream import emit, new_uuid

NEEDS_PERMISSION = {"Write", "Edit", "Bash", "AskUserQuestion", "ExitPlanMode", "WebFetch"}
POLL_SECONDS = 0.02


def allowed(call):
    """Return whether the user's settings allow a command by its first word."""
    settings = Path(os.environ.get("CLAUDE_CONFIG_DIR", "/nowhere")) / "settings.json"
    if not settings.exists():
        return False
    rules = json.loads(settings.read_text())["permissions"]["allow"]
    return f"Bash({str(call['input'].get('command', '')).partition(' ')[0]}:*)" in rules


class Tools:
    """Runs one tool at a time, after a permission request."""

    def __init__(self, stdin, change_mode):
        self._stdin = stdin
        self._change_mode = change_mode
        self._child = None
        self._pending = None

    def use(self, call):
        """Return output, whether it failed, and the structured result."""
        name, arguments = call["name"], call["input"]
        if name in NEEDS_PERMISSION and not allowed(call):
            answer = self._ask(call)
            if answer.get("behavior") != "allow":
                message = answer.get("message") or "The user doesn't want to proceed."
                return message, True, f"Error: {message}"
            arguments = answer.get("updatedInput") or arguments
        work = getattr(self, f"_{name.lower()}", None)
        if work is None:
            return (
                f"<tool_use_error>Error: No such tool available: {name}</tool_use_error>",
                True,
                "",
            )
        return work(arguments)

    def stop(self):
        """Kill a running command, withdraw a pending request; return whether there was one."""
        child, self._child = self._child, None
        pending, self._pending = self._pending, None
        if pending:
            emit({"type": "control_cancel_request", "request_id": pending})
        if child:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return bool(child or pending)

    def _ask(self, call):
        if not self._stdin.accepts_input:
            return {"behavior": "deny", "message": "This command requires approval"}
        request_id = self._pending = new_uuid()
        request = {
            "subtype": "can_use_tool",
            "tool_name": call["name"],
            "input": call["input"],
            "tool_use_id": call["id"],
        }
        emit({"type": "control_request", "request_id": request_id, "request": request})
        answer = self._stdin.answer(request_id)
        self._pending = None
        if answer.get("interrupt"):
            from stream import Interrupted

            raise Interrupted
        return answer

    def _write(self, arguments):
        path = Path(arguments["file_path"])
        created = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(arguments["content"])
        structured = {"type": "create" if created else "update", "filePath": str(path),
                      "content": arguments["content"], "structuredPatch": []}  # fmt: skip
        return f"File created successfully at: {path}", False, structured

    def _edit(self, arguments):
        path = Path(arguments["file_path"])
        before = path.read_text() if path.exists() else ""
        path.write_text(before.replace(arguments["old_string"], arguments["new_string"], 1))
        return f"The file {path} has been updated", False, {"filePath": str(path)}

    def _read(self, arguments):
        try:
            return Path(arguments["file_path"]).read_text(), False, None
        except OSError as error:
            return f"<tool_use_error>{error}</tool_use_error>", True, str(error)

    def _bash(self, arguments):
        child = self._child = subprocess.Popen(
            ["/bin/sh", "-c", arguments["command"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        while child.poll() is None:
            self._stdin.pause(POLL_SECONDS)
        os.set_blocking(child.stdout.fileno(), False)
        output = child.stdout.read() or ""
        self._child = None
        if child.returncode:
            return f"Exit code {child.returncode}\n{output}", True, f"Error: {output}"
        structured = {"stdout": output, "stderr": "", "interrupted": False}
        return output.rstrip("\n"), False, structured

    def _askuserquestion(self, arguments):
        answers = arguments.get("answers") or {}
        answered = ", ".join(f'"{key}"="{value}"' for key, value in answers.items())
        return f"Your questions have been answered: {answered}.", False, arguments

    def _exitplanmode(self, arguments):
        self._change_mode("default")
        return "User has approved exiting plan mode.", False, {"plan": arguments.get("plan")}

    def _todowrite(self, arguments):
        if os.environ.get("CLAUDE_CODE_ENABLE_TODO_TOOLS") != "1":
            error = "TodoWrite is disabled for this session."
            return f"<tool_use_error>Error: {error}</tool_use_error>", True, f"Error: {error}"
        return "Todos have been modified", False, {"oldTodos": [], "newTodos": arguments["todos"]}

    def _webfetch(self, arguments):
        return f"fetched {arguments.get('url')}", False, None
