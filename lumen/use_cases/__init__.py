"""Use cases: all branching lives here. They know ports, the model and the pure rooms; never an adapter."""
