"""What identifies a person: classes for fields, encryption, blind index."""
