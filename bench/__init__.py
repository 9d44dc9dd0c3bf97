"""Measurements, each of everything that it compares in one run on one machine. `python -m bench.<name>` prints."""
