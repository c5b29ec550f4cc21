"""Everything that runs the system without Docker: `make run`, `make test` and the stacks of the end-to-end tests."""
