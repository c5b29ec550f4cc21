"""Origins, tokens, and the headers that restrict the page."""
