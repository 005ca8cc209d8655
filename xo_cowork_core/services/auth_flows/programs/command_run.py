"""Runs the program of a `CommandLogin`: finds the prompt in its output, passes texts on to it."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import SecretStr

from xo_cowork_core.sdk import HttpClient, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import (
    CommandLogin,
    CommandOutput,
    LoopbackRedirect,
    OutputStream,
    TokenSet,
)
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.events import CommandPrompted, TokensReceived
from xo_cowork_core.services.auth_flows.loopback_listener import HOST
from xo_cowork_core.services.auth_flows.paste import parse_paste
from xo_cowork_core.services.auth_flows.programs.program_flags import command_words, find_flags
from xo_cowork_core.services.connectors.errors import ToolMissing, UpstreamError
from xo_cowork_core.services.processes.process import SupervisedProcess
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

QUIET_SECONDS = 0.3
HELP_SECONDS = 5.0
CALLBACK_SECONDS = 10.0
LOOPBACK_NAMES = frozenset({HOST, "localhost"})
CONTROL_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\-~]"
)
CURSOR_MOVE = re.compile(r"\x1b\[\d*[CG]")
ENTER_SECONDS = 0.3
# codes and tokens: none may be in a message
LONG_WORD = re.compile(r"[^\s/]{24,}")
MAX_MESSAGE_CHARACTERS = 300
# what known programs print, and the code of the failure
KNOWN_FAILURES: Mapping[str, tuple[str, str]] = {
    "access_denied": ("access_denied", texts.ACCESS_DENIED),
    "invalid_grant": ("invalid_grant", "The service no longer accepts this sign-in."),
    "address already in use": ("busy", "Another program uses the port of the sign-in program."),
    "invalid code": ("invalid_grant", texts.WRONG_CODE),
    "status code 400": ("invalid_grant", texts.WRONG_CODE),
    "context deadline exceeded": ("expired_token", texts.EXPIRED),
    "unknown flag": ("tool_too_old", "The sign-in program is too old, or too new."),
}


class FindProgram(Protocol):
    """Returns the absolute path of an executable, or None. Blocks."""

    def __call__(self, name: str) -> Path | None: ...


class CommandRun:
    """One run of a sign-in program. The supervisor ends it with the flow, its owner."""

    def __init__(
        self,
        method: CommandLogin,
        *,
        processes: ProcessSupervisor,
        http: HttpClient,
        find_program: FindProgram,
        owner: str,
        plugin: str,
        folder: Path | None,
        on_line: Callable[[OutputStream, str], None],
    ) -> None:
        """Call `on_line` for what the program prints, until a text was passed on to it.

        `folder` is the private folder of the run, if the method has one.
        """
        self._method = method
        self._processes = processes
        self._http = http
        self._find_program = find_program
        self._owner = owner
        self._plugin = plugin
        self._folder = folder
        self._on_line = on_line
        # after a text was passed on, the output may contain it, or tokens
        self._is_private = False
        self._public_lines = {"stdout": 0, "stderr": 0}
        self._process: SupervisedProcess | None = None
        self._output = asyncio.Event()

    async def run(self, on_prompt: Callable[[CommandPrompted], object]) -> TokensReceived:
        """Run the program to its end and return its tokens; report the prompt once.

        Raises ToolMissing, and UpstreamError or another error of `KNOWN_FAILURES`.
        """
        process = self._process = await self._start()
        prompted = False
        while process.returncode is None:
            self._output.clear()
            is_quiet = await self._wait_for_output(process)
            self._report_lines(process)
            self._check_failure(process)
            prompt = None if prompted else self._find_prompt(process, complete=is_quiet)
            if prompt is not None:
                prompted = True
                on_prompt(await self._resolve(prompt))
        return TokensReceived(await self._read_tokens(process))

    async def pass_input(self, text: SecretStr, state: SecretStr | None) -> None:
        """Give the program a text: the redirect that it waits for, or a line on its stdin.

        Raises XoError.
        """
        if self._process is None:
            return
        self._is_private = True
        callback = self._method.callback
        if callback is None:
            await self._write_line(self._process, text.get_secret_value())
            return
        answer = parse_paste(text.get_secret_value())
        expected = state.get_secret_value() if state else ""
        query = urlencode({"code": answer.code, "state": answer.state or expected})
        url = f"http://{HOST}:{callback.port}{callback.path}?{query}"
        await self._http.request("GET", url, timeout=CALLBACK_SECONDS)

    async def _write_line(self, process: SupervisedProcess, line: str) -> None:
        if not self._method.terminal:
            await process.write(line.encode() + b"\n", timeout=CALLBACK_SECONDS)
            return
        # a full-screen program takes a line feed, or a return in one piece with the text, for a
        # pasted text that goes on
        await process.write(line.encode(), timeout=CALLBACK_SECONDS)
        await asyncio.sleep(ENTER_SECONDS)
        await process.write(b"\r", timeout=CALLBACK_SECONDS)

    async def _start(self) -> SupervisedProcess:
        name, *arguments = self._method.argv
        program = await asyncio.to_thread(self._find_program, name)
        if program is None:
            advice = f" Install it: {self._method.install}" if self._method.install else ""
            raise ToolMissing(f"{Path(name).name} is not installed.{advice}")
        command = [str(program), *arguments]
        if flags := self._method.optional_flags:
            output = await self._print_help([*command_words(command), "--help"])
            command += find_flags(flags, output)
        return self._spawn(command, terminal=self._method.terminal)

    async def _print_help(self, command: Sequence[str]) -> str:
        process = self._spawn(command, terminal=False)
        await process.wait(HELP_SECONDS)
        output = process.output_tail + process.stderr_tail
        await process.stop(kill_after=0.0)
        return output

    def _spawn(self, command: Sequence[str], *, terminal: bool) -> SupervisedProcess:
        environment = dict(self._method.environment)
        if self._folder is not None:
            environment[self._method.private_folder] = str(self._folder)
        return self._processes.spawn_captured(
            command,
            cwd=Path.home(),
            environment=environment,
            owner=self._owner,
            plugin=self._plugin,
            terminal=terminal,
            on_output=self._output.set,
        )

    async def _wait_for_output(self, process: SupervisedProcess) -> bool:
        """Return once there is more output or the end; True when nothing came for a while."""
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                await self._output.wait()
        except TimeoutError:
            await process.wait(0)
            return True
        # output comes in pieces: a URL may be cut
        await asyncio.sleep(0)
        return False

    def _report_lines(self, process: SupervisedProcess) -> None:
        if self._is_private:
            return
        outputs: tuple[tuple[OutputStream, str], ...] = (
            ("stdout", process.output_tail),
            ("stderr", process.stderr_tail),
        )
        for stream, output in outputs:
            lines = _whole_lines(_plain(output)).splitlines()
            for line in lines[self._public_lines[stream] :]:
                # not the frames and pictures of full-screen programs
                if any(each.isalnum() for each in line):
                    self._on_line(stream, line.strip())
            self._public_lines[stream] = max(len(lines), self._public_lines[stream])

    def _check_failure(self, process: SupervisedProcess) -> None:
        """Raise CommandFailed for an error after which the program does not end by itself."""
        if not self._method.error_pattern:
            return
        output = _plain(process.output_tail) + "\n" + _plain(process.stderr_tail)
        message = _search(self._method.error_pattern, output)
        if message is not None:
            shown = LONG_WORD.sub("…", " ".join(message.split()))[:MAX_MESSAGE_CHARACTERS]
            raise CommandFailed(_code_of(message), shown)

    def _find_prompt(self, process: SupervisedProcess, *, complete: bool) -> CommandPrompted | None:
        text = _plain(process.output_tail) + "\n" + _plain(process.stderr_tail)
        if not complete:
            text = "\n".join(
                _whole_lines(_plain(each)) for each in (process.output_tail, process.stderr_tail)
            )
        url = _search(self._method.url_pattern, text)
        code = _search(self._method.code_pattern, text) if self._method.code_pattern else ""
        if url is None or code is None or not url.startswith(("https://", "http://")):
            return None
        return CommandPrompted(url, code)

    async def _resolve(self, prompt: CommandPrompted) -> CommandPrompted:
        """Replace a URL of the program's own listener by the one that it redirects to."""
        callback = self._method.callback
        url = prompt.authorize_url
        if callback is None:
            return prompt
        if _is_at(url, callback):
            try:
                answer = await self._http.request("GET", url, timeout=CALLBACK_SECONDS)
            except XoError:
                return prompt
            location = answer.headers.get("location", "")
            if location.startswith(("https://", "http://")):
                url = location
        states = parse_qs(urlsplit(url).query).get("state")
        return CommandPrompted(url, prompt.user_code, SecretStr(states[0]) if states else None)

    async def _read_tokens(self, process: SupervisedProcess) -> TokenSet | None:
        output = CommandOutput(
            _plain(process.output_tail),
            _plain(process.stderr_tail),
            process.returncode or 0,
            self._folder,
        )
        if output.returncode != 0:
            raise _failure_of(output)
        try:
            tokens = await asyncio.to_thread(self._method.read_tokens, output)
        except XoError:
            raise
        except (Exception, SystemExit) as error:
            raise UpstreamFailed(texts.NO_TOKENS) from error
        if tokens is not None and not isinstance(tokens, TokenSet):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UpstreamError(texts.NO_TOKENS)
        return tokens


class CommandFailed(XoError):
    """The program ended with a failure that it names."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _failure_of(output: CommandOutput) -> XoError:
    printed = (output.stderr + output.stdout).lower()
    for mark, (code, message) in KNOWN_FAILURES.items():
        if mark in printed:
            return CommandFailed(code, message)
    return CommandFailed("failed", f"{texts.NO_TOKENS} Its exit code was {output.returncode}.")


def _code_of(printed: str) -> str:
    lowered = printed.lower()
    return next((code for mark, (code, _) in KNOWN_FAILURES.items() if mark in lowered), "failed")


def _plain(text: str) -> str:
    """Return text without control sequences, with line ends of one kind.

    Full-screen programs move the cursor over the spaces between words.
    """
    return (
        CONTROL_SEQUENCE.sub("", CURSOR_MOVE.sub(" ", text))
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )


def _whole_lines(text: str) -> str:
    return text[: text.rfind("\n") + 1]


def _search(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    if match is None:
        return None
    return match.group(1) if match.re.groups else match.group(0)


def _is_at(url: str, callback: LoopbackRedirect) -> bool:
    try:
        parts = urlsplit(url)
        return parts.hostname in LOOPBACK_NAMES and parts.port == callback.port
    except ValueError:
        return False
