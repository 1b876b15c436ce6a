"""The console: serve, and its accounts."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphdet.cli.listing import Listed
from graphdet.cli.manner import say

HEADING = "Work on cases"
STOPPED = 130  # what `main` takes for a stop, whatever signal it was
PASSWORD = "GRAPHDET_PASSWORD"  # noqa: S105
Home = Annotated[Path, typer.Argument(metavar="HOME", help="The folder with the casebook.")]


class Role(StrEnum):
    """What an account may do; a test holds them to `console.account_file.ROLES`."""

    ANALYST = "analyst"
    READER = "reader"


account = typer.Typer(cls=Listed, help="Who may log in to the console, beyond this machine.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(serve)
    app.add_typer(account, name="account")


def serve(
    home: Home,
    author: Annotated[
        str | None, typer.Option(help="Who decides here, where there are no accounts; else the name of this account.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    host: Annotated[
        str, typer.Option(help="Address to listen at. Beyond this machine it needs accounts, and TLS or a proxy.")
    ] = "127.0.0.1",
    name: Annotated[str, typer.Option(help="How browsers name this machine, such as rings.example.org.")] = "",
    certificate: Annotated[Path | None, typer.Option("--tls-certificate", metavar="FILE", help="Certificate for TLS, in PEM.")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key.")] = None,
    proxy: Annotated[
        str, typer.Option("--behind-proxy", metavar="ADDRESS", help="Address of the web server in front, which has the TLS.")
    ] = "",
    watch: Annotated[
        Path | None, typer.Option("--watch", metavar="STATE", help="Show the alerts of the watch that keeps its state here, as they come.")
    ] = None,
) -> None:
    """Serve a console on this machine: today's cases, their rings, accounts, the week, lists and rules."""
    from graphdet.extras import need

    need("console", "serve")
    need("report", "serve")
    from graphdet.cases.open_book import author_here
    from graphdet.console.serving import Listening, serve

    listening = Listening(host, port, name, certificate, key, proxy)
    serve(home, author_here(author), listening, lambda line: print(line, flush=True), watch)
    raise typer.Exit(STOPPED)  # it only ends when it is told to


@account.command()
def add(
    home: Home,
    name: Annotated[str, typer.Argument(help="What they log in with, and what stands beside their words.")],
    role: Annotated[Role, typer.Option(help="An analyst decides, a reader looks.")] = Role.ANALYST,
) -> None:
    """Add an account, or give one a new password: asked for on a terminal, else from GRAPHDET_PASSWORD."""
    from graphdet.console.account_file import load_accounts, new_account, save_accounts

    password = os.environ.get(PASSWORD) or typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    accounts = load_accounts(home)
    known = name in accounts
    save_accounts(home, accounts | {name: new_account(name, role.value, password)})
    say(
        f"{name} ({role.value}) has a new password; who was logged in by the old one is not any more."
        if known
        else f"{name} ({role.value}) may log in."
    )


@account.command("list")
def list_accounts(home: Home) -> None:
    """List who may log in."""
    from graphdet.console.account_file import load_accounts
    from graphdet.terminal import clean

    for one in load_accounts(home).values():
        print(f"{clean(one.name)}  {one.role}")


@account.command()
def remove(home: Home, name: Annotated[str, typer.Argument(help="Whose account.")]) -> None:
    """Remove an account; its words in the casebook stay."""
    from graphdet.console.account_file import load_accounts, save_accounts
    from graphdet.errors import ConsoleError, nearest

    accounts = load_accounts(home)
    if name not in accounts:
        raise ConsoleError(f"{home}: there is no account {name}{nearest(name, accounts)}.")
    save_accounts(home, {other: one for other, one in accounts.items() if other != name})
    say(f"{name} may no longer log in, and is logged out.")
