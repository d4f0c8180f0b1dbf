"""Other directories: feeds in HSDS-UK 3.0, good and bad."""
