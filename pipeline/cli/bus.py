"""Commands around the event bus: its contract, and the keys of those who may read it."""

from pathlib import Path
from typing import Annotated

import typer

events_app = typer.Typer(no_args_is_help=True, help="What events look like on the wire.")
keys_app = typer.Typer(no_args_is_help=True, help="Keys for events that leave this machine; see docs/security.md.")

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="Where keys lie; by default $FETALSTREAM_HOME/keys."),
]


@events_app.command()
def schema() -> None:
    """Print the wire contract as JSON Schema."""
    from ...sinks.schema import wire_schema_text

    typer.echo(wire_schema_text(), nl=False)


@keys_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key: a publisher's or a client's.")],
    folder: FolderOption = None,
) -> None:
    """Make a key pair; the secret file never leaves this machine, the public one may go anywhere."""
    from ...sinks.keys import PUBLIC_SUFFIX, SECRET_SUFFIX
    from ...sinks.keys import create as create_pair

    pair = create_pair(name, _folder(folder))
    typer.echo(f"secret   {pair.folder / (name + SECRET_SUFFIX)}")
    typer.echo(f"public   {pair.folder / (name + PUBLIC_SUFFIX)}")
    typer.echo(f"letters  {pair.public.decode()}")


@keys_app.command()
def allow(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A client's public key: its file, or its 40 letters.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call it; by default the file's name.")] = None,
    folder: FolderOption = None,
) -> None:
    """Let a client connect to the publishers whose keys lie in this folder. Deleting the file keeps it out again."""
    from ...sinks.keys import PUBLIC_SUFFIX
    from ...sinks.keys import allow as allow_key

    called = name or (Path(key).name.removesuffix(PUBLIC_SUFFIX) if key.endswith(PUBLIC_SUFFIX) else "")
    if not called:
        raise typer.BadParameter("a key given as letters needs a name", param_hint="--name")
    typer.echo(f"allowed  {allow_key(key, called, _folder(folder))}")


@keys_app.command("list")
def list_keys(folder: FolderOption = None) -> None:
    """Print our own public keys and those that are allowed to connect."""
    from ...sinks.keys import AllowList, own

    where = _folder(folder)
    allowed = AllowList(where)
    lines = [f"own      {pair.public.decode()}  {pair.name}" for pair in own(where)]
    lines += [f"allowed  {public.decode()}  {name}" for public, name in allowed.names().items()]
    typer.echo("\n".join(lines) if lines else f"no keys in {where}; make one with: fetalstream keys create NAME")
    for damage in allowed.damaged:
        typer.secho(f"warning: {damage}", fg="yellow", err=True)


def _folder(folder: Path | None) -> Path:
    from ...sinks.keys import key_folder

    return folder or key_folder()
