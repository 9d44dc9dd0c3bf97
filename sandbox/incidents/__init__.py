"""What goes wrong in the world, on demand or by a scenario file, and the truth about it for whoever is judged by it."""
