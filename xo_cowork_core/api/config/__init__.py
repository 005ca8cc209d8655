"""The route family `config`: settings of the workspace, skills and tools of its runtimes."""
