"""A simulated ION in closed loop with Lumen, to measure what Lumen is worth. Needs the extra `numerics`.

`world` (with traffic, cache and incidents) draws requests, looks keys up, starts instances and pays bills; it shares no
formula with what is judged in it and knows nothing of alerts, policies and effects. `lumen_in_world` runs the pipeline
of the back-test on it, `on_call` is the scripted person, `judge` asks the same world again without each change. Nothing
here runs in the bot.
"""

from importlib.util import find_spec

from lumen.model.messages import NotPossible, with_remedy


def check_numerics() -> None:
    """Raises NotPossible where the extra `verify` is missing, with how to install it."""
    missing = [name for name in ("numpy", "scipy", "threadpoolctl") if find_spec(name) is None]
    if missing:
        raise NotPossible(*with_remedy("verify.no_numerics", missing=", ".join(missing)))
