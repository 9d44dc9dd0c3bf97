"""The simulated world, its scenarios, and what is judged in it."""
