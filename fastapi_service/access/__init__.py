"""Grants, where they come from, and the policy that decides by them."""
