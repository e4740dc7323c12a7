"""How a verb is declared, and how its help looks: an example, and registries' options last."""

from collections.abc import Callable
from typing import Any

import click

CONTEXT = {"help_option_names": ["-h", "--help"]}
"""How every command is called."""


class RegistryOption(click.Option):
    """An option that only matters where a registry is named."""


class _Verb(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            self._refuse_repeated(ctx, args)
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            # Only whoever mistypes an option pays for its import.
            from ocilayout.commands.terminal.suggestions import unknown_option

            text = unknown_option(error.option_name, self, ctx)
            raise click.UsageError(text, ctx) from None

    def _refuse_repeated(self, ctx: click.Context, args: list[str]) -> None:
        """Raises click.UsageError for an option of one value that is given twice.

        click would take the last one, and drop the other without a word.
        """
        given: set[click.Parameter] = set()
        for parameter in self.make_parser(ctx).parse_args(list(args))[2]:
            if not isinstance(parameter, click.Option) or parameter.multiple or parameter.is_flag:
                continue
            if parameter in given:
                name = max(parameter.opts, key=len)
                raise click.UsageError(f"{name} takes one value and is given twice", ctx)
            given.add(parameter)

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
    return click.command(
        name,
        cls=_Verb,
        context_settings=CONTEXT,
        epilog=f"\b\nExample: {example}",
        no_args_is_help=True,
    )
