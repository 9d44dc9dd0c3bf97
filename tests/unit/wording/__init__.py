"""The catalogue in both languages, formatters of figures, and the rows of the report."""
