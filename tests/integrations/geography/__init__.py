"""Tests of official files about places and organisations."""
