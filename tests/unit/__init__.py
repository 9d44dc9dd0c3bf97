"""Pure parts: truth tables, and Hypothesis where limits or states matter. No server, no network."""
