"""How the state machines over a real store are played: the same examples each time, however slow the machine is."""

from hypothesis import HealthCheck, Phase, settings


def played(examples: int, steps: int) -> settings:
    """So many stories of at most so many steps."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        # Without the phase that explains: it traces every line, and takes minutes.
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
