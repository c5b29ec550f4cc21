"""One recording into one session or many."""
