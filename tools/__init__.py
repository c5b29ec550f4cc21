"""Scripts for developers and images: environment, pins, browser."""
