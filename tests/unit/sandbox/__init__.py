"""Parts of the sandbox, in the test's own process."""
