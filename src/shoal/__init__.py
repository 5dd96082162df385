"""Shoal turns raw customer data into living customer segments."""

__version__ = "0.1.0"
