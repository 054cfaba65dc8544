"""The command group ``flask mail``. Its commands are imported when they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.cli import AppGroup

if TYPE_CHECKING:
    from click import Command
    from click import Context
    from flask import Flask

    from .._mail import _MailMixin


class Commands(AppGroup):
    """The command group of one Mail."""

    def __init__(self, mail: _MailMixin) -> None:
        super().__init__("mail", help="Check the mail server, send a test message, show the settings.")
        self._mail = mail

    def list_commands(self, ctx: Context) -> list[str]:
        from .commands import COMMANDS

        return sorted({*COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        from . import commands

        ctx.meta[commands.MAIL] = self._mail
        return super().get_command(ctx, cmd_name) or commands.COMMANDS.get(cmd_name)


def add_commands(app: Flask, mail: _MailMixin) -> None:
    """Add the commands ``flask mail ...`` to the application, unless it has its own ``mail`` command."""
    cli = getattr(app, "cli", None)  # old tests use objects that only look like applications
    if cli is not None and isinstance(cli.commands.get("mail"), Commands | None):
        cli.add_command(Commands(mail))
