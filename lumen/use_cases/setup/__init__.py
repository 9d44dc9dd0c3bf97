"""`lumen setup`: what is wanted, how it differs from what stands there, and the steps from one to the other."""
