"""The route family `legacy`: the older chat routes."""
