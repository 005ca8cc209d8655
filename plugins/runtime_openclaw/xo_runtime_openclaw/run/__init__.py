"""Run one turn on the gateway: session, prompt, events, recovery, abort."""
