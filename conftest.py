"""What every pytest run of this tree loads: the kit that turns features into tests, and the system they run against."""

from hypothesis import settings

pytest_plugins = ["step_defs.kit.plugin", "step_defs.fixtures"]

# No unit test is timed: on a busy machine an example takes as long as it takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
