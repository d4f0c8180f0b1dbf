"""Asking addresses that somebody else named: never one inside our own network."""
