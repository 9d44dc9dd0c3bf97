"""What Lumen does: all branching lives here. Knows ports, the model and the pure rooms; never an adapter."""
