"""The bodies of files and folders."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from xo_cowork_core.api.models import OpenApiExtra, RequestModel, ResponseModel, Responses
from xo_cowork_core.services.files.stored_files import StoredFile

PATH = "/home/ann/xo-projects/garden/PLAN.md"


class PathRequest(RequestModel):
    """A file or folder, absolute or from `~/`."""

    path: str | None = Field(default=None, examples=[PATH])


class SaveRequest(RequestModel):
    """A text and where it goes."""

    path: str | None = Field(default=None, examples=[PATH])
    content: Annotated[object, WithJsonSchema({"type": "string", "examples": ["# Plan\n"]})] = None


class ReadBinaryRequest(PathRequest):
    """A file; `encoding: base64` asks for JSON whatever the wire style."""

    encoding: str | None = Field(default=None, examples=["base64"])


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


class FolderItem(ResponseModel):
    """An entry of a folder."""

    name: str
    path: str
    size: int
    mtime: str
    is_symlink: bool


class FolderListing(ResponseModel):
    """A folder. `parent` is null where nothing above it is served."""

    path: str = Field(examples=["/home/ann"])
    parent: str | None
    dirs: list[FolderItem]
    files: list[FolderItem]


class FileContent(ResponseModel):
    """A text file; bytes that are no UTF-8 are replaced."""

    content: str = Field(examples=["# Plan\n"])
    path: str = Field(examples=[PATH])


class SavedFile(ResponseModel):
    """A text that is on disk."""

    path: str = Field(examples=[PATH])
    bytes: int = Field(examples=[7])


class MadeFolder(ResponseModel):
    """A folder that was made, and the names of the files that were put in."""

    path: str = Field(examples=["/home/ann/xo-projects/garden"])
    name: str = Field(examples=["garden"])
    copied: list[str] = Field(examples=[["notes.txt"]])


class FileMatchRow(ResponseModel):
    """A file that matches a search."""

    name: str = Field(examples=["PLAN.md"])
    relative_path: str = Field(examples=["PLAN.md"])
    absolute_path: str = Field(examples=[PATH])


class StoredFileRow(ResponseModel):
    """A file that a prompt may be given."""

    file_id: str = Field(examples=["9f86d081884c7d65"])
    name: str = Field(examples=["PLAN.md"])
    path: str = Field(examples=[PATH])
    size: int
    mime_type: str = Field(examples=["text/markdown"])
    source: str = Field(examples=["uploaded"])
    content_hash: str

    @classmethod
    def of(cls, file: StoredFile) -> "StoredFileRow":
        return cls(
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


class BinaryContent(ResponseModel):
    """The bytes of a file, in base64."""

    content_base64: str
    name: str


BINARY_RESPONSES: Responses = {
    200: {
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": BinaryContent.model_json_schema(),
                "example": {"content_base64": "IyBQbGFuCg==", "name": "PLAN.md"},
            },
        }
    }
}
