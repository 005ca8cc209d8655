"""OneDrive, over Microsoft Graph and rclone."""
