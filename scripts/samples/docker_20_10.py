"""What docker 20.10 writes: `docker save` with a folder for each layer, and `docker export`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.samples.archives import DIRECTORY, HARD_LINK, SYMLINK, Member, tar
from scripts.samples.images import (
    CREATED,
    CREATED_UNIX,
    Image,
    Json,
    base_layer,
    compact_json,
    repositories,
    rootfs,
    sha256,
    short_name,
)
from scripts.samples.programs import hello_program

SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# docker 20.10 still puts the kind of file into the mode of a tar header.
REGULAR_FILE, FOLDER, LINK = 0o100000, 0o040000, 0o120000


@dataclass(frozen=True)
class Saved:
    """An image and the full names it is saved under."""

    image: Image
    names: tuple[str, ...]


def run_config(command: Sequence[str] | None, labels: dict[str, str] | None, parent: str) -> Json:
    """The classic builder's container config, which states every field."""
    return {
        "Hostname": "",
        "Domainname": "",
        "User": "",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "Env": [SEARCH_PATH] if command else None,
        "Cmd": command,
        "Image": parent,
        "Volumes": None,
        "WorkingDir": "",
        "Entrypoint": None,
        "OnBuild": None,
        "Labels": labels,
    }


def classic_image(
    layers: Sequence[bytes], history: Sequence[Json], labels: dict[str, str] | None
) -> Image:
    """An image for linux/amd64 as the classic builder of docker 20.10 describes it."""
    parent = f"sha256:{sha256(layers[-1])}"
    container = sha256(parent.encode())
    nop = ["/bin/sh", "-c", "#(nop) ", 'CMD ["/hello"]']
    config = {
        "architecture": "amd64",
        "config": run_config(["/hello"], labels, parent),
        "container": container,
        "container_config": {**run_config(nop, labels, parent), "Hostname": container[:12]},
        "created": CREATED,
        "docker_version": "20.10.24",
        "history": history,
        "os": "linux",
        "rootfs": rootfs(layers),
    }
    return Image("linux/amd64", tuple(layers), compact_json(config))


def classic_hello() -> Image:
    """Two layers, and two steps of the history without one."""
    layers = (base_layer(), classic_program_layer())
    return classic_image(layers, classic_history(layers), None)


def classic_child() -> Image:
    """The same image with a third layer, which deletes a file of the first."""
    layers = (base_layer(), classic_program_layer(), deleting_layer())
    history = [*classic_history(layers), {"created": CREATED, "created_by": "/hello"}]
    return classic_image(layers, history, {"org.opencontainers.image.title": "greeter"})


def classic_history(layers: Sequence[bytes]) -> list[Json]:
    """What the classic builder tells of the first two layers."""
    nop = "/bin/sh -c #(nop) "
    base, program = layers[:2]
    return [
        {"created": CREATED, "created_by": f"{nop}ADD file:{sha256(base)} in / "},
        {"created": CREATED, "created_by": f"{nop}COPY file:{sha256(program)} in /hello "},
        {"created": CREATED, "created_by": f'{nop} CMD ["/hello"]', "empty_layer": True},
    ]


def classic_program_layer() -> bytes:
    """The layer with /hello, as docker 20.10 tars it."""
    program = hello_program("linux/amd64")
    return tar((saved_file("hello", program, 0o755),))


def deleting_layer() -> bytes:
    """A new /etc/hello.conf, and a whiteout of /etc/motd."""
    return tar(
        (
            saved_folder("etc/"),
            Member("etc/.wh.motd", mode=0, mtime=CREATED_UNIX),
            saved_file("etc/hello.conf", b"greeting = hello\n", 0o644),
        )
    )


def saved_file(name: str, content: bytes, mode: int) -> Member:
    """A file as docker 20.10 tars it."""
    mode |= REGULAR_FILE
    return Member(name, content, mode=mode, mtime=CREATED_UNIX, owner="root")


def saved_folder(name: str) -> Member:
    """A directory as docker 20.10 tars it."""
    mode = FOLDER | 0o755
    return Member(name, kind=DIRECTORY, mode=mode, mtime=CREATED_UNIX, owner="root")


def saved_link(name: str, target: str, kind: bytes, mode: int) -> Member:
    """A symbolic or hard link as docker 20.10 tars it."""
    return Member(name, kind=kind, mode=mode, mtime=CREATED_UNIX, owner="root", link=target)


def v1_documents(image: Image) -> list[tuple[str, bytes]]:
    """An id and a document for every layer, as docker before 1.10 knew images.

    The top layer's document holds the image's config, so one layer has different ids
    where it is the top of one image and in the middle of another.
    """
    documents: list[tuple[str, bytes]] = []
    for position, layer_hex in enumerate(image.layer_hexes):
        is_top = position == len(image.layers) - 1
        parent = documents[-1][0] if documents else ""
        seed = f"{parent} {layer_hex} {sha256(image.config) if is_top else ''}"
        layer_id = sha256(seed.encode())
        fields: Json = {"id": layer_id}
        if parent:
            fields["parent"] = parent
        fields |= v1_top_fields(image) if is_top else v1_inner_fields()
        documents.append((layer_id, compact_json(fields)))
    return documents


def v1_inner_fields() -> Json:
    """What docker says of a layer below the top: nothing that is known."""
    return {
        "created": "1970-01-01T00:00:00Z",
        "container_config": run_config(None, None, ""),
        "os": "linux",
    }


def v1_top_fields(image: Image) -> Json:
    """What docker says of the top layer: most of the image's config."""
    known = json.loads(image.config)
    known.setdefault("container_config", run_config(None, None, ""))
    order = ("created", "container", "container_config", "docker_version", "config")
    return {key: known[key] for key in (*order, "architecture", "os") if key in known}


def save(saved: Sequence[Saved]) -> bytes:
    """`docker save`: a folder for each layer, a symlink where another id has its content."""
    folders: dict[str, list[Member]] = {}
    first_with: dict[str, str] = {}
    configs: dict[str, list[Member]] = {}
    listing: list[Json] = []
    tops: dict[str, str] = {}
    for item in saved:
        image, names = item.image, list(map(short_name, item.names))
        documents = v1_documents(image)
        for (layer_id, document), layer in zip(documents, image.layers, strict=True):
            owner = first_with.setdefault(sha256(layer), layer_id)
            folders.setdefault(layer_id, layer_folder(layer_id, document, layer, owner))
        config = f"{sha256(image.config)}.json"
        configs[config] = [saved_file(config, image.config, 0o644)]
        layers = [f"{layer_id}/layer.tar" for layer_id, _ in documents]
        listing.append({"Config": config, "RepoTags": names, "Layers": layers})
        tops |= dict.fromkeys(names, documents[-1][0])
    by_name = {**folders, **configs}
    members = [member for name in sorted(by_name) for member in by_name[name]]
    return tar([*members, timeless("manifest.json", listing), timeless_tops(tops)])


def layer_folder(layer_id: str, document: bytes, layer: bytes, owner: str) -> list[Member]:
    """The folder of one layer; `owner` is the first id that came with this content."""
    path = f"{layer_id}/layer.tar"
    return [
        saved_folder(f"{layer_id}/"),
        saved_file(f"{layer_id}/VERSION", b"1.0", 0o644),
        saved_file(f"{layer_id}/json", document, 0o644),
        saved_file(path, layer, 0o644)
        if owner == layer_id
        else saved_link(path, f"../{owner}/layer.tar", SYMLINK, LINK | 0o777),
    ]


def timeless(name: str, value: object) -> Member:
    """A document that docker 20.10 gives no time, and ends with a line feed."""
    mode = REGULAR_FILE | 0o644
    return Member(name, compact_json(value) + b"\n", mode=mode, owner="root")


def timeless_tops(tops: dict[str, str]) -> Member:
    """The file `repositories` of docker 20.10."""
    return timeless("repositories", repositories(tops))


def root_file_system() -> bytes:
    """`docker export`: the files of a container in one tar, here with both kinds of link."""
    program = hello_program("linux/amd64")
    return tar(
        (
            saved_folder("bin/"),
            saved_file("bin/hello", program, 0o755),
            saved_link("bin/hi", "bin/hello", HARD_LINK, REGULAR_FILE | 0o755),
            saved_folder("etc/"),
            saved_file("etc/os-release", b"ID=hello\n", 0o644),
            saved_link("hello", "bin/hello", SYMLINK, LINK | 0o777),
            saved_folder("tmp/"),
        )
    )
