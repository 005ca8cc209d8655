"""The route family `chat`: prompts, turns and their event streams."""
