"""The route family `runtimes`: sign-ins of agents, the same for every runtime that has them."""
