"""The route family `projects`: projects, their todos, timeline, usage and memory."""
