"""The effect of a change, and what is learnt from it; trends of a week. Pure: no store, no clock.

`estimate` and `trend` need the extra `numerics` and run in the numerics worker.
"""
