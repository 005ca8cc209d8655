"""The body of an upload: a form of which one part is the file, read as it comes."""

import re
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.upload_receiver import Sink, UploadHeader
from xo_cowork_core.storage.paths import MAX_NAME_BYTES

MOST_PARTS = 64
MOST_FIELD_BYTES = 64 << 10
FILE_FIELD = "file"
FOLDER_FIELDS = ("workspace", "space")
NAMELESS = "upload"
TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")


@dataclass(slots=True)
class _Part:
    """The part that is being read."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    key: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    field_name: str = ""
    is_file: bool = False
    body: bytearray = field(default_factory=bytearray)


class UploadForm:
    """One form. Feed it the body; `finish` then tells what came with the file."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise BadRequest("An upload must be sent as multipart/form-data")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._take_key,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _broken() from error
        self._part = _Part()
        self._parts = 0
        self._fields: dict[str, str] = {}
        self._file: _Part | None = None
        self._ended = False
        self._sink: Sink | None = None

    def feed(self, body: bytes, sink: Sink) -> None:
        """Take the next bytes; what is the file's goes to `sink`. Raises BadRequest."""
        self._sink = sink
        try:
            self._parser.write(body)
        except FormParserError as error:
            raise _broken() from error
        finally:
            self._sink = None

    def finish(self) -> UploadHeader:
        """Say what came with the file. Raises BadRequest when there was none."""
        if not self._ended:
            raise _broken()
        if self._file is None:
            raise BadRequest("Missing file")
        _, options = parse_options_header(self._file.headers["content-disposition"])
        folder = next((found for name in FOLDER_FIELDS if (found := self._fields.get(name))), "")
        kind = self._file.headers.get("content-type", "").partition(";")[0].strip()
        return UploadHeader(
            name=bare_name(_decoded(options.get(b"filename", b""))),
            mime_type=kind if TYPE.fullmatch(kind) else "",
            folder=folder,
        )

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadRequest(f"The form has more than {MOST_PARTS} parts")
        self._part = _Part()

    def _take_key(self, body: bytes, start: int, end: int) -> None:
        self._part.key += body[start:end]

    def _take_value(self, body: bytes, start: int, end: int) -> None:
        self._part.value += body[start:end]

    def _end_header(self) -> None:
        part = self._part
        part.headers[part.key.decode("latin-1").lower()] = part.value.decode("latin-1")
        part.key.clear()
        part.value.clear()

    def _end_headers(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get("content-disposition"))
        part.field_name = _decoded(options.get(b"name", b""))
        part.is_file = b"filename" in options and part.field_name == FILE_FIELD
        if part.is_file and self._file:
            raise BadRequest("One file at a time")
        if part.is_file:
            self._file = part

    def _take_data(self, body: bytes, start: int, end: int) -> None:
        part = self._part
        if part.is_file:
            if self._sink:
                self._sink(body[start:end])
        elif part.field_name in FOLDER_FIELDS:
            part.body += body[start:end]
            if len(part.body) > MOST_FIELD_BYTES:
                raise BadRequest(f"Field {part.field_name} is too long")

    def _end_part(self) -> None:
        if self._part.field_name in FOLDER_FIELDS and not self._part.is_file:
            self._fields[self._part.field_name] = _decoded(bytes(self._part.body))

    def _end(self) -> None:
        self._ended = True


def bare_name(sent: str) -> str:
    """Return a file's name without the folders that some clients send. Raises BadRequest."""
    # browsers write a quotation mark so, whatever else is in the name
    name = sent.replace("%22", '"').replace("\\", "/").rpartition("/")[2]
    name = "".join("_" if ord(letter) < 32 or ord(letter) == 127 else letter for letter in name)
    if name in {"", ".", ".."}:
        return NAMELESS
    if len(name.encode()) > MAX_NAME_BYTES:
        raise BadRequest("The file's name is too long")
    return name


def _decoded(sent: bytes) -> str:
    return sent.decode("utf-8", "replace")


def _broken() -> BadRequest:
    return BadRequest("The form is broken")
