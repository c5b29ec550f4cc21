"""Files of a page, decoded in a process of their own."""
