"""Forms of images that are read here and that no engine reads.

docker 20.10.24 and podman 4.3.1 were given each of them. Sparse members of a tar, a last member
without padding and a `dir:` without its version are read by engines too.
"""

from ocilayout.errors import OciLayoutError
from ocilayout.stores import Opened, dir_tree, docker_archive, skopeo_dir
from ocilayout.stores.docker_entries import is_docker_archive, read_entries
from ocilayout.stores.file_names import INDEX

SOURCE = "docker 20.10.24 and podman 4.3.1 were run"


def unread_form(opened: Opened) -> str | None:
    """Why no engine reads a place in the form in which it lies; None where engines may."""
    files = opened.files
    if files is None or (INDEX in files and not opened.top):
        return None
    if opened.top:
        return f"all of it stands in the directory {opened.top}/ of the tar"
    if files.is_folder:
        if docker_archive.recognizes(files):
            return "it is a directory into which a Docker archive was unpacked, not the archive"
        if dir_tree.recognizes(files):
            return "it is a tree with a directory for each image: each loads by itself"
        return None
    if skopeo_dir.recognizes(files):
        return "it is a dir: in a tar, which is read as a directory alone"
    if is_docker_archive(files) and _has_backslashes(opened):
        return "manifest.json names members with backslashes, which are found on Windows alone"
    return None


def _has_backslashes(opened: Opened) -> bool:
    assert opened.files is not None
    try:
        return any(entry.has_backslashes for entry in read_entries(opened.files))
    except OciLayoutError:
        # What is wrong with the list is told where it is judged.
        return False
