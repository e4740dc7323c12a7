"""The verbs: a file each, found by itself and imported when it is called.

Only this folder prints and exits.
"""

import importlib
import pkgutil

import click

from ocilayout import __version__
from ocilayout.commands.terminal.border import guarded
from ocilayout.commands.terminal.verb import CONTEXT

# How --help groups the verbs; each stands in one group.
_GROUPS = {
    "Images to files": ("convert", "merge"),
    "Look and compare": ("ls", "inspect", "diff"),
    "Check": ("check", "validate"),
    "Edit in place": ("tag", "untag", "annotate", "gc"),
    "Engines and registries": ("load", "save", "push", "pull"),
    "Root file systems": ("export", "import"),
}


class _Verbs(click.Group):
    """Finds a verb as the module of its name; packages in this folder are no verbs.

    A verb that is a word of Python, as `import`, is a module with an underscore behind.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(_modules())

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, _modules()))
        for title, names in _GROUPS.items():
            verbs = [(name, self.get_command(context, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name.ljust(longest), verb.get_short_help_str(70))
                        for name, verb in verbs
                        if verb
                    ]
                )

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        module_name = _modules().get(name)
        if module_name is None:
            return None
        module = importlib.import_module(f"{__name__}.{module_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, arguments)
        except click.UsageError:
            # Only whoever mistypes a verb pays for its import.
            from ocilayout.commands.terminal.suggestions import unknown_verb

            text = unknown_verb(arguments[0], _modules())
            raise click.UsageError(text, context) from None

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        try:
            return super().parse_args(context, arguments)
        except click.NoSuchOption as error:
            option = error.option_name
            text = f"no option {option} in front of the verb: options come after it"
            raise click.UsageError(text, context) from None


def _modules() -> dict[str, str]:
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]
    return {name.rstrip("_").replace("_", "-"): name for name in names}


@click.group(
    cls=_Verbs,
    context_settings=CONTEXT,
    epilog="\b\nExample: ocilayout convert buildx.tar loadable.tar && docker load -i loadable.tar",
)
@click.version_option(__version__, prog_name="ocilayout")
def _group() -> None:
    """Container images as files: OCI layouts, OCI tars and Docker archives.

    A place is [TRANSPORT:]PATH[:NAME][@DIGEST]. TRANSPORT is oci, oci-archive,
    docker-archive or dir; without it a source is recognized by what is in it. A new name ending
    in .tar (or .tar.gz, .tar.zst, ...) is written as docker-archive, anything else as a layout
    folder; - is standard input or output. An image in a registry is
    docker://HOST/REPOSITORY[:TAG], one in an engine docker-daemon:NAME, podman:NAME or
    containerd:NAME.
    """


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    # Else click would take -:NAME for an option.
    places = [f"/dev/stdin{text[1:]}" if text[:2] in {"-:", "-@"} else text for text in arguments]
    return guarded(_group, places)
