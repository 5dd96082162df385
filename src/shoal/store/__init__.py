"""Port to the operational databases."""
