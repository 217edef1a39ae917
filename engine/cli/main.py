"""The command line's verbs; each imports what it needs when it is called, so that help comes at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.outcome import FAILED, UNUSABLE, say

app = typer.Typer(
    name="signalbox",
    help="Signalbox: workflows for AI agents that run in production.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
user = typer.Typer(help="People who may sign in.", no_args_is_help=True, rich_markup_mode=None)
token = typer.Typer(help="API tokens for programs.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user, name="user")
app.add_typer(token, name="token")

Roles = Annotated[list[str], typer.Option("--role", help="viewer editor publisher approver operator auditor admin; may be repeated.")]


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: SIGNALBOX_PORT, else 8000.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all of this machine.")] = "127.0.0.1",
) -> None:
    """Serve everything on one port, and start it again if it dies."""
    from engine.cli.serve import serve

    raise typer.Exit(serve(host=host, port=port))


@app.command()
def run(
    target: Annotated[str, typer.Argument(metavar="FILE|ID", help="A document's file, or an id, slug or template.")],
    given: Annotated[list[str] | None, typer.Option("--input", metavar="K=V", help="V is JSON if it can be, else text. Repeat it.")] = None,
    inputs: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="One run for each line, a JSON object.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Runs at a time, with --inputs.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a run, when it ends or waits.")] = False,
) -> None:
    """Run a workflow; a file is stored and published first."""
    from engine.cli.run import run_all

    raise typer.Exit(run_all(target, given=given or [], file=inputs, concurrency=concurrency, as_json=as_json))


@app.command()
def validate(files: Annotated[list[Path], typer.Argument(metavar="FILE…")]) -> None:
    """Check documents: every problem at once, and what a run may use at worst."""
    from engine.cli.validate import validate_files

    raise typer.Exit(validate_files(files))


@app.command()
def export(workflow: Annotated[str, typer.Argument(metavar="ID", help="An id or a slug.")]) -> None:
    """Print a workflow's document."""
    from engine.cli.export import export_document

    raise typer.Exit(export_document(workflow))


@app.command()
def doctor(part: Annotated[str | None, typer.Argument(metavar="[audit|journal]", help="Look at one part thoroughly.")] = None) -> None:
    """Check the installation, the audit chain or the journals of all runs."""
    from engine.cli.doctor import examine

    raise typer.Exit(examine(part))


@user.command("add")
def user_add(
    email: str,
    roles: Roles,
    name: Annotated[str, typer.Option(help="Default: what stands before the @.")] = "",
    with_password: Annotated[bool, typer.Option("--password", help="Ask for a password (or read it from standard input).")] = False,
) -> None:
    """Add a person; without a password, the account can only have API tokens."""
    from engine.cli.people import add_user

    raise typer.Exit(add_user(email, name=name, roles=roles, asks_password=with_password))


@user.command("list")
def user_list() -> None:
    """List the people."""
    from engine.cli.people import list_users

    raise typer.Exit(list_users())


@token.command("create")
def token_create(
    name: Annotated[str, typer.Option(help="What the token is for.")],
    roles: Roles,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it ends; without, until it is revoked.")] = None,
    owner: Annotated[str, typer.Option("--user", metavar="EMAIL", help="Whose token; default: the first administrator's.")] = "",
) -> None:
    """Make a token and print it; it is shown this once."""
    from engine.cli.people import create_token

    raise typer.Exit(create_token(name=name, roles=roles, days=days, owner=owner))


@token.command("list")
def token_list() -> None:
    """List everybody's tokens."""
    from engine.cli.people import list_tokens

    raise typer.Exit(list_tokens())


@token.command("revoke")
def token_revoke(token_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a token at once."""
    from engine.cli.people import revoke_token

    raise typer.Exit(revoke_token(token_id))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure: engine, triage, airline. Figures are JSON lines."""
    from engine.cli.measuring import bench_command

    raise typer.Exit(bench_command(context.args))


@app.command()
def test() -> None:
    """Run the tests (from a checkout: ./signalbox test)."""
    say("The tests belong to a checkout.", hint="Clone the repository and call ./signalbox test there.")
    raise typer.Exit(UNUSABLE)


def main() -> None:
    """Runs one verb; every error is a line and a next step, never a traceback."""
    from engine.errors import SignalboxError

    try:
        app()
    except SignalboxError as error:
        say(error.message, hint=error.next_step)
        sys.exit(UNUSABLE if error.status < 500 else FAILED)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does.
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as error:
        # The border of the program: a defect becomes a line that can be reported.
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f" ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})" if place else ""
        say(f"{type(error).__name__}: {error}{where}", hint="This is a defect of Signalbox; please report it with this line.")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
