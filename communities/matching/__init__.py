"""Which communities suit a person, in what order, and why: pure rules with a version; no database, no clock."""
