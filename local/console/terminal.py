"""What `make run` shows to a person."""

from rich.console import Console
from rich.text import Text

from local.console.log_tail import Follower
from local.stack.plan import Plan
from wire.errors import WireError

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue")
_NAME_WIDTH = len("listener_service ")


class Terminal:
    """Plain lines, coloured where the terminal can."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._colours: dict[str, str] = {}

    def say(self, sentence: str) -> None:
        """About the run itself."""
        self._console.print(Text(sentence, style="bold"))

    def show(self, follower: Follower) -> None:
        """Everything that the services have logged since the last call."""
        for program, line in follower.new_lines():
            colour = self._colours.setdefault(program, _COLOURS[len(self._colours) % len(_COLOURS)])
            self._console.print(Text.assemble((program.ljust(_NAME_WIDTH), colour), Text.from_ansi(line)))

    def announce(self, plan: Plan) -> None:
        """Where the page is."""
        self.say(f"\nReady: {plan.url}")
        for url in plan.lan_urls:
            self.say(f"On your network: {url} (the browser warns once, because the certificate was made here)")
        self.say(f"Logs: {plan.run_dir / 'log'}. Stop with Ctrl-C.\n")

    def complain(self, error: WireError) -> None:
        """Why it does not run, and what to do."""
        self._console.print(Text("error: ", style="bold red") + Text(str(error)))
