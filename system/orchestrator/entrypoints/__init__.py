"""How the world reaches the orchestrator: HTTP, messages, a command line."""
