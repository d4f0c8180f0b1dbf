"""The checkers themselves: each runs in an environment of its own and knows nothing of this project."""
