"""Predictions: the parts of `lumen/prediction`, against oracles that are slow and plain."""
