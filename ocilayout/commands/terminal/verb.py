"""How a verb is declared, and how its help looks: an example, and registries' options last."""

from collections.abc import Callable
from typing import Any

import click


class RegistryOption(click.Option):
    """An option that only matters where a registry is named."""


class _Verb(click.Command):
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Options for registries": []}
        for parameter in self.get_params(ctx):
            # Newer versions of click have a record of arguments too, which says nothing here.
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                of_registries = isinstance(parameter, RegistryOption)
                sections["Options for registries" if of_registries else "Options"].append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def verb(example: str, *, name: str | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """Declare a verb, which is called as its module unless it has a `name`."""
    # The sign keeps click from breaking a command into lines.
    return click.command(name, cls=_Verb, epilog=f"\b\nExample: {example}", no_args_is_help=True)
