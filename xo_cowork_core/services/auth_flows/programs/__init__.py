"""Sign-ins by a program or by a plugin's own code."""
