"""Who may connect, and what a browser may do with the page."""
