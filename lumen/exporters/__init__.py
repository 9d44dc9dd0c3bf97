"""Pure: a snapshot in, an assessment out. Imports only the model and the gates, whose verdicts it carries."""
