"""Modules that several tests share: response checks, plugins, homes with transcripts, disks."""
