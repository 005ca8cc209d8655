"""What differs between the services that rclone reaches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field

from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

Options = Mapping[str, str]


@frozen_dataclass
class StoredRemote:
    """What rclone's configuration has of a remote of the same account; `options` without tokens."""

    name: str
    options: Options = field(default_factory=dict[str, str])


class RcloneBackend(ABC):
    """One service: the type that rclone calls it by, and the options of its remotes.

    `type` is the backend's name in rclone (`drive`, `onedrive`), `title` the service's name for
    people.
    """

    type: str
    title: str
    # options that an imported remote keeps; they are then in `extra` of its tokens
    imported_options: Sequence[str] = ()

    @abstractmethod
    async def options(self, remote: StoredRemote, tokens: TokenSet) -> Options:
        """Return the options of a remote's section, without `type` and `token`.

        Called before the first use of a remote and whenever its tokens have changed, so what is
        stored must be used where it tells enough; may ask the service. Raises `Conflict` where a
        person has to choose first, and as `Connector.identify` does.
        """

    def refresh_options(self) -> Options:
        """Return options with which rclone can send any one request, so that it refreshes."""
        return {}

    def is_complete(self, options: Options) -> bool:
        """Return whether files can be reached with these stored options."""
        return True

    def export_options(self, options: Options, scopes: tuple[str, ...]) -> Options:
        """Return the options of a section for other programs, from the stored ones."""
        return options

    def describe(self, options: Options, scopes: tuple[str, ...]) -> Mapping[str, str]:
        """Return the fields of the remote's row that only this service has, such as `scope`."""
        return {}
