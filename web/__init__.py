"""HTML for people: patients, commissioners and everyone in need of help now."""
