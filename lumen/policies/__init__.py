"""Pure: what should change, and why. Imports only the model."""
