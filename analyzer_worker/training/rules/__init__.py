"""Spoken sentences made by rules: three TOML files per language with templates and what fills them."""
