"""The plugin's names, settings and secrets."""

from xo_cowork_core.sdk import SecretField, Setting

NAME = "onedrive"
TITLE = "OneDrive"
CLIENT_ID = "ONEDRIVE_CLIENT_ID"
CLIENT_SECRET = "ONEDRIVE_CLIENT_SECRET"  # noqa: S105  # the name of an entry
TENANT = "ONEDRIVE_TENANT"
SETTINGS = (
    Setting(
        TENANT,
        "Directory (tenant) of Microsoft accounts that may sign in: `common` for all, "
        "`organizations`, `consumers`, or the id of one organisation.",
        default="common",
    ),
)
SECRETS = (
    SecretField(
        CLIENT_ID,
        "Microsoft application (client) id",
        help="Of an app registration at https://entra.microsoft.com with the redirect URI "
        "http://localhost:53682/",
        pattern=r"[0-9a-fA-F-]{36}",
    ),
    SecretField(
        CLIENT_SECRET,
        "Microsoft client secret",
        help="Only for an app registration whose redirect URI is of the kind Web.",
    ),
)
