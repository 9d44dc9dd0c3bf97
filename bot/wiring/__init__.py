"""The composition root: the only place that names adapters and joins them to use cases."""
