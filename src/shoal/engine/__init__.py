"""Port to the analytical engine."""
