"""The containers, built and run for real; needs a Docker engine with Compose: `make e2e-docker`."""
