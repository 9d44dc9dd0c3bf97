"""What use cases compute without the outside world."""
