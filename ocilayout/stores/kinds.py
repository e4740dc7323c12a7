"""The kinds of places in files: which there are, and which of them a place is."""

from ocilayout.protocols import Files, Store

DIR_TREE = "dir-tree"
"""No transport: it is recognized, and read alone."""

# In this order they are asked: an archive with a manifest.json is a Docker archive, whose reader
# takes the OCI half where there is one; without it, it is an OCI archive. A folder into which one
# with an OCI half was unpacked is a layout.
FOLDERS = ("oci", "dir", "docker-archive", DIR_TREE)
TARS = ("docker-archive", "oci-archive", "dir")


def store(name: str) -> Store:
    """The store that writes and reads a kind, imported now: a run needs one or two of them."""
    if name == "oci":
        from ocilayout.stores import layout_dir

        return layout_dir
    if name == "docker-archive":
        from ocilayout.stores import docker_archive

        return docker_archive
    if name == DIR_TREE:
        from ocilayout.stores import dir_tree

        return dir_tree
    if name == "oci-archive":
        from ocilayout.stores import oci_archive

        return oci_archive
    from ocilayout.stores import skopeo_dir

    return skopeo_dir


def recognized(files: Files) -> Store | None:
    """The first store that takes `files` for its own."""
    stores = map(store, FOLDERS if files.is_folder else TARS)
    return next((found for found in stores if found.recognizes(files)), None)
