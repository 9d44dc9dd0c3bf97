"""Use cases on a real store, with the sources and knobs of a world that the test sets."""
