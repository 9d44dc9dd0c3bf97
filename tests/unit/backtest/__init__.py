"""Back-tests: histories read, run and scored."""
