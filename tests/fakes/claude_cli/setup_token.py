"""`claude setup-token` as the real program behaves (2.1.330).

It needs a terminal: over pipes it prints nothing and waits. It draws a full-screen page, with moves
of the cursor in place of spaces, shows a URL whose query is one opaque value, reads `code#state`
up to Enter without echo, and after an error waits for another Enter. A code without a state is not
taken. `$HOME/setup-token.json` may have `start` (`silent`, `exit`, `slow`), `child` (a program that
it leaves behind) and `token`; what it got is appended to `$HOME/setup-token.log`.

The code's first word decides: `good`, `denied`, `wrong`, `down` (upstream 5xx), `die`, `quiet`.
"""

import json
import os
import secrets
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path

TOKEN = "sk-ant-oat01-planted_claude_token-0123456789abcdefABCDEF"
ERRORS = {
    "denied": "Request was refused: access_denied",
    "wrong": "Request failed with status code 400",
    "down": "Request failed with status code 503",
}
MOVE = "\x1b[{}G"


def run():
    options = _options()
    if not os.isatty(0):
        time.sleep(3600)
    if options.get("start") == "exit":
        print("Claude Code could not start: missing library")
        return 1
    if options.get("start") == "silent":
        time.sleep(3600)
    if options.get("start") == "slow":
        time.sleep(float(options.get("seconds", 2)))
    if options.get("child"):
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        return _dialog(options)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)


def _dialog(options):
    url = f"https://claude.ai/oauth/authorize?{secrets.token_urlsafe(33)}-_/+=%2F"
    _log({"url": url, "argv": sys.argv[1:]})
    _draw("\x1b7\x1b[?25l\x1b[31mWelcome", "to", "Claude", "Code\x1b[39m\r\r\n", "." * 40)
    _draw("Browser", "didn't", "open?", "Use", "the", "URL", "below\r\r\n\r\r\n")
    _write(f"\x1b]8;id=x;{url}\x07\x1b[2m{url}\x1b[22m\x1b]8;;\x07\r\r\n\r\r\n")
    _draw("Paste", "code", "here", "if", "prompted\r\r\n", "─" * os.get_terminal_size().columns)
    while True:
        code = _read_line()
        _log({"code": code})
        _write("*" * max(0, len(code) - 6) + code[-6:])
        if "#" not in code:
            continue
        word = code.partition("#")[0].partition("/")[0].partition("-")[0]
        if word == "die":
            return 1
        if word == "quiet":
            continue
        if word not in ERRORS:
            _draw("\r\r\nYour", "OAuth", "token:\r\r\n")
            _write(f"\x1b[33m{options.get('token', TOKEN)}\x1b[39m\r\r\n")
            return 0
        _write("\x1b[2K\x1b[1A\x1b[95m✘\x1b[4GOAuth error: ")
        _write(f"{ERRORS[word]} for {code}\r\r\n")
        _draw("Press", "Enter", "to", "retry")
        _read_line()


def _options():
    try:
        return json.loads((Path.home() / "setup-token.json").read_text())
    except FileNotFoundError:
        return {}


def _log(entry):
    with (Path.home() / "setup-token.log").open("a") as file:
        file.write(json.dumps(entry) + "\n")


def _read_line():
    line = b""
    while not line.endswith(b"\r"):
        piece = os.read(0, 4096)
        if not piece:
            sys.exit(0)
        line += piece
    return line[:-1].decode()


def _draw(*words):
    column = 2
    for word in words:
        _write(MOVE.format(column) + word)
        column += len(word) + 1


def _write(text):
    data = text.encode()
    while data:
        data = data[os.write(1, data) :]
