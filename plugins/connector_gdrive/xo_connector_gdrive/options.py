"""The settings and secrets of the plugin."""

from xo_cowork_core.sdk import SecretField, Setting

NAME = "gdrive"
CLIENT_ID = "GOOGLE_DRIVE_CLIENT_ID"
CLIENT_SECRET = "GOOGLE_DRIVE_CLIENT_SECRET"  # noqa: S105  # the name of an entry
SCOPE = "GOOGLE_DRIVE_SCOPE"
PUBLIC_REDIRECT = "GOOGLE_DRIVE_PUBLIC_REDIRECT"
GUIDE = "https://console.cloud.google.com/auth/clients"
SECRETS = (
    SecretField(
        CLIENT_ID,
        "Google client id",
        f"The OAuth client of this workspace, of the type desktop app: create one at {GUIDE} in a "
        "project with the Google Drive API.",
        pattern=r"\S+\.apps\.googleusercontent\.com",
    ),
    SecretField(CLIENT_SECRET, "Google client secret", "The secret of that client."),
)
SETTINGS = (
    Setting(
        SCOPE,
        "What new sign-ins reach: drive.file (files made here), drive (all), drive.readonly.",
        default="drive.file",
    ),
    Setting(
        PUBLIC_REDIRECT,
        "The client id is of a web application with this server's /api/oauth/callback.",
        default="0",
        kind="flag",
    ),
)
