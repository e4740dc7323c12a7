"""One image as a tree, or its exact documents."""

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from pathlib import Path


@verb("ocilayout inspect app.tar:1.0 --platform linux/arm64")
@click.argument("place", metavar="PLACE")
@options.platform
@click.option("--raw", is_flag=True, help="The exact bytes of the manifest or index.")
@click.option("--config", "config", is_flag=True, help="The exact bytes of the config.")
@click.option("--verbose", "-v", is_flag=True, help="As docker manifest inspect --verbose.")
@click.option("--referrers", is_flag=True, help="Ask the registry for what refers to it, too.")
@options.follow_links
@options.scratch
@options.as_json
@options.quiet
@registry
def command(
    place: str,
    platforms: tuple[Any, ...],
    raw: bool,
    config: bool,
    verbose: bool,
    referrers: bool,
    follow_links: bool,
    scratch: "Path | None",
    as_json: bool,
    quiet: bool,
    registry: RegistryWishes,
) -> None:
    """Show an image as a tree: index, manifests, configs, layers.

    Attestations, signatures and other referrers stand under the image that they speak of; those
    beside an image in a registry are looked for with --referrers. Several images of PLACE are
    shown one after another.
    """
    from ocilayout import notices
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.damage import despite_damage
    from ocilayout.errors import UsageError
    from ocilayout.stores import open_place
    from ocilayout.stores.places import parse_source

    if sum((raw, config, verbose, as_json)) > 1:
        raise UsageError("--raw, --config, --verbose and --json exclude one another")
    listen(quiet)
    parsed = parse_source(place)
    with (
        registry.registries([parsed]) as registries,
        open_place(
            parsed, scratch=scratch, registries=registries, follow_links=follow_links
        ) as opened,
    ):
        look = partial(_looked_at, platforms, referrers, not (raw or config or verbose))
        (source, made_from, trees), damage = despite_damage(opened.source, look)
        for found in damage:
            notices.warn(f"{place}: {found.warning}")
        if raw:
            _echo_raw(source, made_from)
        elif config:
            _echo_config(source)
        elif verbose:
            _echo_as_docker(source)
        elif as_json:
            _echo_json(source, trees, damage, place, opened.dialect)
        else:
            _echo_tree(source, trees, damage, place, opened.dialect)


def _looked_at(
    platforms: tuple[Any, ...], referrers: bool, wants_trees: bool, source: Any
) -> tuple[Any, Any, Any]:
    """What is shown of a source, the indexes that it was made from, and its trees if wanted."""
    from ocilayout.description import surveyed

    found = _selected(source, platforms) if platforms else source
    selected = surveyed(_with_referrers(found) if referrers else found)
    shown, made_from = selected, {}
    if platforms:
        # Most are asked for without, and start-up counts.
        from ocilayout.transforms.resolve import originals, resolved

        shown = resolved(selected, referrers=True)
        made_from = originals(source, selected)
    return shown, made_from, _trees(shown, made_from) if wants_trees else ()


def _selected(source: Any, platforms: tuple[Any, ...]) -> Any:
    from ocilayout.transforms.select import select

    return select(source, platforms=platforms)


def _with_referrers(source: Any) -> Any:
    # Most of what is inspected is a file, and start-up counts.
    from ocilayout.stores.registry_referrers import with_referrers

    return with_referrers(source)


def _echo_raw(source: Any, made_from: Any) -> None:
    from ocilayout.commands.terminal.printing import echo_bytes
    from ocilayout.errors import AmbiguousName
    from ocilayout.graph import read_bytes
    from ocilayout.pick import only_image

    entry = only_image(source)
    if entry.digest in made_from:
        raise AmbiguousName(
            f"no index lists these alone: pick one by --platform, or all of "
            f"{made_from[entry.digest].digest} without it"
        )
    echo_bytes(read_bytes(source, entry))


def _echo_config(source: Any) -> None:
    from ocilayout.commands.terminal.printing import echo_bytes
    from ocilayout.graph import read_config_bytes
    from ocilayout.pick import only_image

    echo_bytes(read_config_bytes(source, _config_below(source, only_image(source))))


def _config_below(source: Any, entry: Any) -> Any:
    from ocilayout.errors import AmbiguousName, CannotHold
    from ocilayout.graph import is_document, manifests_below, read_manifest
    from ocilayout.referrers import is_listed_referrer

    manifests = {
        str(descriptor.platform or descriptor.digest): read_manifest(source, descriptor)
        for descriptor in manifests_below(source, [entry])
        if is_document(descriptor) and not is_listed_referrer(descriptor)
    }
    images = {name: manifest for name, manifest in manifests.items() if manifest.is_image}
    if len(images) > 1:
        raise AmbiguousName(
            f"there are several configs here: pick one by --platform: {', '.join(images)}"
        )
    configs = [manifest.config for manifest in (images or manifests).values() if manifest.config]
    if not configs:
        raise CannotHold("there is no config here")
    return configs[0]


def _echo_as_docker(source: Any) -> None:
    from ocilayout.commands.terminal.printing import echo_json
    from ocilayout.commands.terminal.tree import docker_fields
    from ocilayout.pick import only_image
    from ocilayout.spec.names import names_of

    entry = only_image(source)
    name = next(iter(names_of(entry)), "")
    echo_json(docker_fields(name, source, entry))


def _echo_json(source: Any, trees: Any, damage: Any, place: str, dialect: str) -> None:
    from ocilayout.commands.terminal.printing import echo_json
    from ocilayout.commands.terminal.reporting import damage_fields
    from ocilayout.commands.terminal.tree import node_fields
    from ocilayout.description import total_size

    images = [
        {
            "names": list(image.names),
            "total_size": image.size,
            "unique_size": image.unique_size,
            **node_fields(tree),
        }
        for image, tree in trees
    ]
    echo_json(
        {
            "place": place,
            "dialect": dialect,
            "total_size": total_size(source),
            "images": images,
            "damaged": [damage_fields(found) for found in damage],
        }
    )


def _echo_tree(source: Any, trees: Any, damage: Any, place: str, dialect: str) -> None:
    from ocilayout.commands.terminal.printing import echo, human_size
    from ocilayout.commands.terminal.tree import tree_lines
    from ocilayout.description import total_size

    lines = [f"{place}: {dialect}"]
    if len(trees) > 1:
        lines[0] += f", {len(trees)} images, {human_size(total_size(source))}"
    for image, tree in trees:
        names = ", ".join(image.names) or "(no name)"
        unique = "" if image.unique_size == image.size else _unique_words(image)
        lines.append(f"{names}  {human_size(image.size)}{unique}")
        lines.extend(tree_lines(tree))
    for found in damage:
        at = found.digest or "(no digest)"
        lines.append(f"{', '.join(found.names) or '(no name)'}  damaged {at}: {found.reason}")
    # Said only now: what is damaged further down must not leave half a tree.
    for line in lines:
        echo(line)


def _trees(source: Any, made_from: Any) -> list[Any]:
    """The images that stand in no other's tree, each with its tree.

    An index that was narrowed is called what it was made from.
    """
    from ocilayout.description import images_in
    from ocilayout.inspection import inspect

    images = images_in(source)
    trees = {
        tree.descriptor.digest: tree
        for tree in inspect(source, [image.descriptor for image in images])
    }
    return [
        (image, _as_it_was(trees[image.descriptor.digest], made_from))
        for image in images
        if image.descriptor.digest in trees
    ]


def _as_it_was(node: Any, made_from: Any) -> Any:
    descriptor = made_from.get(node.descriptor.digest, node.descriptor)
    members = tuple(_as_it_was(member, made_from) for member in node.members)
    return node._replace(descriptor=descriptor, members=members)


def _unique_words(image: Any) -> str:
    from ocilayout.commands.terminal.printing import human_size

    return f", {human_size(image.unique_size)} of it in no other"
