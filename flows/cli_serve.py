"""``roadstead serve``: opens the published pages on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.settings import Settings
from flows.terminal import one_line_errors, out_console
from tasks.errors import InputError

PORT = 8765


@one_line_errors
def serve(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Publications, or one of them; default roadstead-out."),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any that is free.")] = PORT,
) -> None:
    """Open the published pages on this computer; Ctrl-C ends it.

    Serves 127.0.0.1 alone, and only what is published.

    Example: `roadstead serve roadstead-out --port 0`
    """
    from flows.serving import Server
    from tasks.editions import publications_in

    home = folder or Path(Settings().out)
    found = publications_in(home)
    if not found:
        raise InputError(
            f"{home} holds no publication; `roadstead backfill SITE` or `roadstead demo` makes one"
        )
    try:
        server = Server(home, found, port)
    except OSError as fault:
        raise InputError(
            f"port {port} cannot be used ({fault.strerror}); --port 0 takes a free one"
        ) from fault
    with server:
        out_console.print(server.url, markup=False, highlight=False)
        out_console.print(", ".join(p.name for p in found) + "; Ctrl-C ends it", style="dim", highlight=False)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            out_console.print("ended")
