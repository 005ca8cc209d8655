"""The route family `files`: files and folders below the home folder."""
