"""SNOMED CT as it is published: releases in Release Format 2 (RF2)."""
