"""Notices of what a person should know, sent to an address: signed, and kept until then."""
