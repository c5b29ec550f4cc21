"""Continuous speech: streams of minutes through endpointer and engine, on a modelled clock."""
