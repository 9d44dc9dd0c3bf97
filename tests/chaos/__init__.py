"""Runs of clicks while something fails: what can fail, and what must hold all the same."""
