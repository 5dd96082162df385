"""Refuse what will not hold."""
