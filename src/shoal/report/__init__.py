"""Show a run to people: terminal and self-contained HTML."""
