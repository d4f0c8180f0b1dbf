"""Tools for people who work on or try the project; never imported by it."""
