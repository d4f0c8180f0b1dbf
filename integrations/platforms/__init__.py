"""How communities' own software talks to us."""
