"""Proof of the house: from pure rules to whole journeys."""
