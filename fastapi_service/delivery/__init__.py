"""From the listener's streams to the clients' sockets."""
