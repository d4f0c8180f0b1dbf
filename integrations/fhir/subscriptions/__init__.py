"""R4 Subscriptions with the R5 Backport: the referring system is told of each change that it may know of."""
