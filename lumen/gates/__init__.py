"""Pure: assessments in, verdicts and the unified gate out. Imports only the model."""
