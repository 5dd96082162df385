"""One person, many identifiers: read, clean, link, resolve."""
