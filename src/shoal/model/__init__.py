"""Who is alike, who is valuable: segments as rules."""
