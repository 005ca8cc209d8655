"""The connector of Google Drive."""
