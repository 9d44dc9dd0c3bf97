"""A simulated ION in closed loop with Lumen, to see what Lumen is worth before it is let at the real one.

The world (`world` and what it is made of) draws requests, looks keys up, starts instances and pays bills. It shares no
formula with what is judged in it: it knows nothing of alerts, policies and effects. `loop` runs the very pipeline of
the back-test on it, `person` is the scripted on-call, `judge` asks the same world again without each change.
Needs the extra `numerics`.
"""
