"""Pure: a snapshot in, an assessment out. Imports only the model."""
