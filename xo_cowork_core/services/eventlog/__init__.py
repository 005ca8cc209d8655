"""The event log: `log` keeps all streams, `stream` is the live end of one, `reader` a place in
one, `blocks` how entries lie in memory and on disk."""
