"""Files of the user's home folder: reading, listing, saving, uploading, searching."""
