"""Everything that speaks to the world on behalf of the domain: vendors' clients end here, and nothing here decides."""
