"""The demo runtime: a scripted agent that needs no binary and no key."""
