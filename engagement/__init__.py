"""What members do after joining, and what may be said about it in numbers."""
