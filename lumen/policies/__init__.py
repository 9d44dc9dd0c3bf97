"""Rules: what to recommend, what holds a change back, what may be applied without asking. Pure; imports the model."""
