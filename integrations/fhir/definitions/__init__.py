"""What this service defines beyond R4: its profiles, extensions, code systems, value sets and operations."""
