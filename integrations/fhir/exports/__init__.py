"""Bulk Data: all that a clinical system may see, written into files that it fetches when they are ready."""
