"""Adapters that change: each reads, compares, sets an absolute value and reads back."""
