"""Every service under one supervisor."""
