"""What Lumen does: every decision that needs the store, a source or a person. Knows ports, never an adapter."""
