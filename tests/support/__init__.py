"""Modules that several tests share: answers, plugins, homes with transcripts, traps, disks."""
