"""The directory: conditions, places, communities, moderation and ranking."""
