"""A segment in plain language: words to a rule, by a grammar over what the workspace knows."""
