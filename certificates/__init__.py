"""Names or your own files → the certificate that nginx serves."""
