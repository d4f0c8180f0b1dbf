"""One folder per outside world, independent of each other."""
