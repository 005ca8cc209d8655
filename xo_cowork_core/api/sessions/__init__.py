"""The route family `sessions`: sessions, their messages and the search in both."""
