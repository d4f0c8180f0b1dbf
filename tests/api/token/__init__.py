"""Tests of the token endpoint."""
