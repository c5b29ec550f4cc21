"""HTTP routes and WebSocket protocols."""
