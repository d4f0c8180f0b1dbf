"""Tests of the scripts around the product."""
