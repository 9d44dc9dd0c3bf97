"""What the use cases need of the world, as Protocols. Adapters implement them; use cases never see an adapter."""
