"""Turns: `prompts` decides what runs, `turns` starts and stops, `running` is one turn, `requests`
and `answers` are what it asks, `rows` what is stored of it."""
