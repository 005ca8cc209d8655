"""The bodies of files and folders."""

from typing import Annotated

from pydantic import Field, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict

from xo_cowork_core.api.models import Name, OpenApiExtra, RequestModel, Responses
from xo_cowork_core.services.files.stored_files import StoredFile

PATH = "/home/ann/xo-projects/garden/PLAN.md"


class PathRequest(RequestModel):
    """A file or folder, absolute or from `~/`."""

    path: str | None = Field(default=None, examples=[PATH])


class SaveRequest(RequestModel):
    """A text and where it goes."""

    takes_nul = True

    path: str | None = Field(default=None, examples=[PATH])
    content: Annotated[object, WithJsonSchema({"type": "string", "examples": ["# Plan\n"]})] = None


class ReadBinaryRequest(PathRequest):
    """A file; `encoding: base64` asks for JSON whatever the wire style."""

    encoding: Name | None = Field(default=None, examples=["base64"])


class MakeFolderRequest(RequestModel):
    """A new folder."""

    path: str | None = Field(default=None, examples=["~/xo-projects/garden"])
    scaffold: bool = Field(default=False, description="Make a project's first files, too.")
    display_name: str | None = Field(default=None, examples=["Garden"])
    description: str | None = None
    files: list[str] = Field(default=[], description="Files to copy into it.")


class SearchRequest(RequestModel):
    """A search for files by a part of their names."""

    directory: str | None = Field(default=None, examples=["~/xo-projects/garden"])
    query: str = Field(default="", examples=["plan"])
    limit: int = Field(default=50, examples=[50])


class AttachRequest(RequestModel):
    """Files that are here already."""

    paths: list[str] = Field(examples=[[PATH]])


class FolderItem(TypedDict):
    """An entry of a folder."""

    name: str
    path: str
    size: int
    mtime: str
    is_symlink: bool


class FolderListing(TypedDict):
    """A folder. `parent` is null where nothing above it is served."""

    path: Annotated[str, Field(examples=["/home/ann"])]
    parent: str | None
    dirs: list[FolderItem]
    files: list[FolderItem]


class FileContent(TypedDict):
    """A text file; bytes that are no UTF-8 are replaced."""

    content: Annotated[str, Field(examples=["# Plan\n"])]
    path: Annotated[str, Field(examples=[PATH])]


class SavedFile(TypedDict):
    """A text that is on disk."""

    path: Annotated[str, Field(examples=[PATH])]
    bytes: Annotated[int, Field(examples=[7])]


class MadeFolder(TypedDict):
    """A folder that was made, and the names of the files that were put in."""

    path: Annotated[str, Field(examples=["/home/ann/xo-projects/garden"])]
    name: Annotated[str, Field(examples=["garden"])]
    copied: Annotated[list[str], Field(examples=[["notes.txt"]])]


class FileMatchRow(TypedDict):
    """A file that matches a search."""

    name: Annotated[str, Field(examples=["PLAN.md"])]
    relative_path: Annotated[str, Field(examples=["PLAN.md"])]
    absolute_path: Annotated[str, Field(examples=[PATH])]


class StoredFileRow(TypedDict):
    """A file that a prompt may be given."""

    file_id: Annotated[str, Field(examples=["9f86d081884c7d65"])]
    name: Annotated[str, Field(examples=["PLAN.md"])]
    path: Annotated[str, Field(examples=[PATH])]
    size: int
    mime_type: Annotated[str, Field(examples=["text/markdown"])]
    source: Annotated[str, Field(examples=["uploaded"])]
    content_hash: str


def stored_file_row(file: StoredFile) -> StoredFileRow:
    """Return the row of a stored file."""
    return StoredFileRow(
        file_id=file.file_id,
        name=file.name,
        path=str(file.path),
        size=file.size,
        mime_type=file.mime_type,
        source=file.source,
        content_hash=file.content_hash,
    )


UPLOAD_FORM: OpenApiExtra = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "workspace": {"type": "string", "description": "Folder to put it in."},
                        "space": {"type": "string", "description": "The same."},
                    },
                }
            }
        },
    }
}


class BinaryContent(TypedDict):
    """The bytes of a file, in base64."""

    content_base64: str
    name: str


BINARY_RESPONSES: Responses = {
    200: {
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": TypeAdapter(BinaryContent).json_schema(),
                "example": {"content_base64": "IyBQbGFuCg==", "name": "PLAN.md"},
            },
        }
    }
}
