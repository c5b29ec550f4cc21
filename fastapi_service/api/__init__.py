"""The gateway's doors: HTTP routes and the WebSocket protocols."""
