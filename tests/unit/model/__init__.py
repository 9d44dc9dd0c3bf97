"""Values of the model that compute something."""
