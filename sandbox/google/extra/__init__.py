"""APIs whose client packages are optional: served from the first call on, where the package is installed."""
