"""The route family `agents`: agents, models, channels and the gateway."""
