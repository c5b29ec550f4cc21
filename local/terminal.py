"""Terminal output of `make run`."""

from rich.console import Console
from rich.text import Text

from local.stack.log_tail import Follower
from local.stack.plan import Plan
from wire.errors import WireError

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue")
_NAME_WIDTH = len("listener_service ")


class Terminal:
    """Prints plain lines, coloured on terminals that can."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._colours: dict[str, str] = {}

    def print_line(self, sentence: str) -> None:
        """Print a line about the run itself."""
        self._console.print(Text(sentence, style="bold"))

    def show(self, follower: Follower) -> None:
        """Print everything that the services have logged since the last call."""
        for program, line in follower.new_lines():
            colour = self._colours.setdefault(program, _COLOURS[len(self._colours) % len(_COLOURS)])
            self._console.print(Text.assemble((program.ljust(_NAME_WIDTH), colour), Text.from_ansi(line)))

    def announce(self, plan: Plan) -> None:
        """Print the addresses of the page."""
        self.print_line(f"\nReady: {plan.url}")
        warning = " (the browser warns once, because the certificate was made here)" if plan.certificate else ""
        for url in plan.lan_urls:
            self.print_line(f"On your network: {url}{warning}")
        self.print_line(f"Logs: {plan.run_dir / 'log'}. Stop with Ctrl-C.\n")

    def print_error(self, error: WireError) -> None:
        """Print an error with its remedy."""
        self._console.print(Text("error: ", style="bold red") + Text(str(error)))
