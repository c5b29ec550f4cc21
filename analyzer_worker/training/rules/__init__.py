"""Spoken sentences made by rules: one TOML file per language with templates and what fills them."""
