"""A runtime over an agent that speaks the Agent Client Protocol: `runtime` has the class."""
