"""``python -m local.quiet MODULE …``: runs a module, which an interruption ends without a traceback.

Importing takes a module longer than some people take to press Ctrl-C. A script that starts it in the background
(``make run &``) lets it ignore SIGINT; here it does not.
"""

import runpy
import signal
import sys

INTERRUPTED = 130
"""Exit code of a command that SIGINT has ended, as shells have it."""


def main() -> None:
    """Run the module that the first argument names, with the other ones."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
