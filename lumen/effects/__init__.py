"""What a change really did. Pure; `estimate` and `trend` need the extra `numerics` and run in the numerics worker."""
