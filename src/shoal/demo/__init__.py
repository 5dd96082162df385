"""Data to try Shoal on: a real grocery panel and a simulated shop with known truth."""
