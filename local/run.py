"""``python -m local.run`` (`make run`): runs the whole system on this machine, without Docker. Ctrl-C stops it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from infra.settings import load_settings_or_exit
from local.errors import LocalError
from local.settings import LocalSettings
from local.stack.log_tail import Follower, last_lines
from local.stack.orphans import end, orphans
from local.stack.own_redis import require_redis
from local.stack.plan import Plan, make_plan
from local.stack.readiness import not_ready
from local.stack.run_lock import state_file, take_lock
from local.stack.supervisor import Supervisor
from local.terminal import Terminal
from wire.errors import WireError

GIVE_UP_AFTER_STARTS = 3
POLL_S = 0.25


def main(
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port of the page; 0 chooses one.")] = None,
    https: Annotated[bool, typer.Option("--https", help="Serve HTTPS to the whole network, for phones.")] = False,
    stt_workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that transcribe.")] = None,
    run_dir: Annotated[Path, typer.Option(help="Folder for logs, data and state.")] = Path(".run"),
    redis_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Embedded Redis here even if REDIS_URL is set; 0 chooses one.")
    ] = None,
    wait_s: Annotated[float, typer.Option(help="Longest wait until all is ready, in seconds.")] = 300,
    no_prefetch: Annotated[bool, typer.Option("--no-prefetch", help="Do not look for the models first.")] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", help="Stop when the calling process ends.")] = False,
) -> None:
    """Start every service under a supervisor, wait until all are ready, and show their logs until Ctrl-C."""
    settings = load_settings_or_exit(LocalSettings)
    given = {"gateway_port": port, "stt_workers": stt_workers}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    parent = os.getppid() if with_parent else None
    terminal = Terminal()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT is ignored in what a script starts with &
        signal.signal(number, signal.default_int_handler)
    try:
        run_dir = run_dir.resolve()
        run_dir.mkdir(parents=True, exist_ok=True)
        with take_lock(run_dir, os.getpid()):
            _end_orphans(run_dir, terminal)
            if settings.has_own_redis and redis_port is None:
                require_redis(settings.redis_url, wait_s, terminal.print_line)
            if not no_prefetch:
                _prefetch()
            _run(make_plan(settings, run_dir, https=https, redis_port=redis_port), terminal, wait_s, parent)
    except WireError as error:
        terminal.print_error(error)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        terminal.print_line("Stopped.")


def _end_orphans(run_dir: Path, terminal: Terminal) -> None:
    """End what is left of a run that was killed together with its supervisor and its parent watch."""
    state_file(run_dir).unlink(missing_ok=True)
    if left := orphans(run_dir):
        terminal.print_line(f"Ending {len(left)} processes that an earlier run left behind.")
        end(left, grace_s=10)


def _prefetch() -> None:
    for module in ("stt_worker.prefetch", "analyzer_worker.prefetch"):
        if subprocess.run([sys.executable, "-m", "local.quiet", module], check=False).returncode:
            raise LocalError("no_model", f"{module} failed; the reason is above.", "Fix it and run again.")


def _run(plan: Plan, terminal: Terminal, wait_s: float, parent: int | None) -> NoReturn:
    follower = Follower(plan.run_dir / "log")
    system = Supervisor(plan)
    try:
        _wait_until_ready(plan, system, follower, terminal, time.monotonic() + wait_s)
        system.write_state()
        terminal.announce(plan)
        while parent is None or os.getppid() == parent:
            system.check_alive()
            terminal.show(follower)
            time.sleep(POLL_S)
        raise KeyboardInterrupt
    finally:
        try:
            terminal.print_line("Stopping…")  # fails when the terminal was closed
        finally:
            system.stop()
        terminal.show(follower)
        follower.close()


def _wait_until_ready(plan: Plan, system: Supervisor, follower: Follower, terminal: Terminal, deadline: float) -> None:
    waiting: dict[str, str] = {}
    while missing := not_ready(plan):
        system.check_alive()
        terminal.show(follower)
        if missing != waiting:
            terminal.print_line("Waiting for " + "; ".join(f"{name}: {reason}" for name, reason in missing.items()))
            waiting = missing
        if failing := system.failing(GIVE_UP_AFTER_STARTS):
            tail = "\n".join(last_lines(failing.log))
            raise LocalError(
                "start_failed",
                f"{failing.name} does not start. The end of {failing.log}:\n\n{tail}\n\n",
                "Fix it and run again.",
            )
        if time.monotonic() > deadline:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
            raise LocalError("not_ready", f"Not ready in time. {reasons}.", f"The logs are in {plan.run_dir / 'log'}.")
        time.sleep(POLL_S)


if __name__ == "__main__":
    typer.run(main)
