"""One test for each rule that this service claims to keep, by HTTP alone."""
