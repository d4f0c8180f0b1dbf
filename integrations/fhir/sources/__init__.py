"""What each resource type is read from: the rows, how they are searched, how they are shown. One module for each room."""
