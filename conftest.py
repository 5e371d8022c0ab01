"""What every pytest run of this tree loads: the kit that turns features into tests, and the system they run against."""

pytest_plugins = ["step_defs.kit.plugin", "step_defs.fixtures"]
