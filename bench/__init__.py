"""Programs that print the figures in docs/ (`python -m bench.<name>`): each compares all that it names in one run."""
