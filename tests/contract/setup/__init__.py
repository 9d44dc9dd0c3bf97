"""`lumen setup` over the real clients against the sandbox: from nothing to complete, and back."""
