"""The verbs: a file each, found by itself and imported when it is called.

Only this folder prints and exits.
"""

import importlib
import pkgutil

import click

from ocilayout import __version__
from ocilayout.commands.terminal.border import guarded


class _Verbs(click.Group):
    """Finds a verb as the module of its name; packages in this folder are no verbs.

    A verb that is a word of Python, as `import`, is a module with an underscore behind.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(_modules())

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        module_name = _modules().get(name)
        if module_name is None:
            return None
        module = importlib.import_module(f"{__name__}.{module_name}")
        command: click.Command = module.command
        return command


def _modules() -> dict[str, str]:
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]
    return {name.rstrip("_").replace("_", "-"): name for name in names}


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ocilayout convert buildx.tar loadable.tar && docker load -i loadable.tar",
)
@click.version_option(__version__, prog_name="ocilayout")
def _group() -> None:
    """Container images as files: convert, merge and look into OCI layouts and Docker archives.

    A place is [TRANSPORT:]PATH[:NAME][@DIGEST]. Transports are oci, oci-archive, docker-archive
    and dir; without one a source is recognized by what is in it. A new name ending in .tar (or
    .tar.gz, .tar.zst, ...) is written as docker-archive, anything else as a layout folder;
    - is standard input or output. An image in an engine is docker-daemon:NAME, podman:NAME or
    containerd:NAME.
    """


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    # Else click would take -:NAME for an option.
    places = [f"/dev/stdin{text[1:]}" if text[:2] in {"-:", "-@"} else text for text in arguments]
    return guarded(_group, places)
