"""Organisations, people, machine clients: who they are and what they may see."""
