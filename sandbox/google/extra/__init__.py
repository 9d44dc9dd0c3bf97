"""APIs whose client packages need not be installed: served from the first call on, where the package is there."""
