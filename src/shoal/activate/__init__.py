"""Deliver: membership changes to whoever asked for them."""
