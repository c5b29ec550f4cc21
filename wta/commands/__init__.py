"""The subcommands of ``wta``, one file each."""
