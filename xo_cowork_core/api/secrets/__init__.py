"""The route family `secrets`: keys in the env files of runtimes, and the forms of plugins."""
