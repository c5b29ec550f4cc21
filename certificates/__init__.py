"""Makes the certificate that nginx serves, from host names or from files of the operator."""
