"""Ways to hand a message over to the outside."""
