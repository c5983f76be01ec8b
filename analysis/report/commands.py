"""The commands of this subject."""

import click

COMMANDS: list[click.Command] = []
