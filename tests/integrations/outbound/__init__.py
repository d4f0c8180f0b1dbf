"""Tests of the guarded client for addresses that others name."""
