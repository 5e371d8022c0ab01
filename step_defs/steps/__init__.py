"""The phrases of scenarios: one line each, calling the DSL."""
