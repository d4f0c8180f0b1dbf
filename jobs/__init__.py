"""The job table: work that is written down with the change it follows from."""
