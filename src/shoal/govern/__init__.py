"""7 Account for what was decided, and start the next round."""
