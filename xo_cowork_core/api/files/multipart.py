"""The parser of upload forms: it streams the part that is the file, and keeps some short fields."""

import re
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.upload_receiver import Sink, UploadHeader
from xo_cowork_core.storage.paths import MAX_NAME_BYTES

MAX_PARTS = 64
MAX_FIELD_BYTES = 64 << 10
FILE_FIELD = "file"
FOLDER_FIELDS = ("workspace", "space")
DEFAULT_NAME = "upload"
MIME_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")


@dataclass(slots=True)
class _Part:
    """The part that the parser is in. `key` and `value` are of the header that it is in."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    key: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    field_name: str = ""
    is_file: bool = False
    body: bytearray = field(default_factory=bytearray)


class UploadForm:
    """Parses one form. Call `feed` with each chunk of the body, then `finish`."""

    def __init__(self, content_type: str) -> None:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if media_type != b"multipart/form-data" or not boundary:
            raise BadRequest("An upload must be sent as multipart/form-data")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_to_key,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed_form() from error
        self._part = _Part()
        self._parts = 0
        self._fields: dict[str, str] = {}
        self._file: _Part | None = None
        self._ended = False
        self._sink: Sink | None = None

    def feed(self, body: bytes, sink: Sink) -> None:
        """Parse the next chunk; pass the bytes of the file to `sink`. Raises BadRequest."""
        self._sink = sink
        try:
            self._parser.write(body)
        except FormParserError as error:
            raise _malformed_form() from error
        finally:
            self._sink = None

    def finish(self) -> UploadHeader:
        """Return the file's name, type and folder. Raises BadRequest when the form has no file."""
        if not self._ended:
            raise _malformed_form()
        if self._file is None:
            raise BadRequest("Missing file")
        _, options = parse_options_header(self._file.headers["content-disposition"])
        folder = next((folder for name in FOLDER_FIELDS if (folder := self._fields.get(name))), "")
        mime_type = self._file.headers.get("content-type", "").partition(";")[0].strip()
        return UploadHeader(
            name=base_name(_decode(options.get(b"filename", b""))),
            mime_type=mime_type if MIME_TYPE.fullmatch(mime_type) else "",
            folder=folder,
        )

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadRequest(f"The form has more than {MAX_PARTS} parts")
        self._part = _Part()

    def _add_to_key(self, body: bytes, start: int, end: int) -> None:
        self._part.key += body[start:end]

    def _add_to_value(self, body: bytes, start: int, end: int) -> None:
        self._part.value += body[start:end]

    def _end_header(self) -> None:
        part = self._part
        part.headers[part.key.decode("latin-1").lower()] = part.value.decode("latin-1")
        part.key.clear()
        part.value.clear()

    def _end_headers(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get("content-disposition"))
        part.field_name = _decode(options.get(b"name", b""))
        part.is_file = b"filename" in options and part.field_name == FILE_FIELD
        if part.is_file and self._file:
            raise BadRequest("One file at a time")
        if part.is_file:
            self._file = part

    def _add_data(self, body: bytes, start: int, end: int) -> None:
        part = self._part
        if part.is_file:
            if self._sink:
                self._sink(body[start:end])
        elif part.field_name in FOLDER_FIELDS:
            part.body += body[start:end]
            if len(part.body) > MAX_FIELD_BYTES:
                raise BadRequest(f"Field {part.field_name} is too long")

    def _end_part(self) -> None:
        if self._part.field_name in FOLDER_FIELDS and not self._part.is_file:
            self._fields[self._part.field_name] = _decode(bytes(self._part.body))

    def _end(self) -> None:
        self._ended = True


def base_name(sent_name: str) -> str:
    """Return the last component of a sent name, without control characters. Raises BadRequest."""
    # browsers escape a quotation mark as %22, and escape no per cent sign
    name = sent_name.replace("%22", '"').replace("\\", "/").rpartition("/")[2]
    name = "".join("_" if ord(char) < 32 or ord(char) == 127 else char for char in name)
    if name in {"", ".", ".."}:
        return DEFAULT_NAME
    if len(name.encode()) > MAX_NAME_BYTES:
        raise BadRequest("The file's name is too long")
    return name


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _malformed_form() -> BadRequest:
    return BadRequest("The form is broken")
