"""What the end of a file's name says: which tars are written, and which files are not.

Sources are recognized by what is in them. Only of what is to be written the name decides.
"""

SUFFIXES = {
    ".tar": "none",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
    ".tar.zst": "zstd",
    ".tzst": "zstd",
    ".tar.xz": "xz",
    ".txz": "xz",
    ".tar.bz2": "bzip2",
    ".tbz2": "bzip2",
    ".tbz": "bzip2",
}
"""How a tar is compressed outside, by the end of its name."""

_TARS = ", ".join(SUFFIXES)
_ARCHIVE = f"name it with one of {_TARS}"
_APPTAINER = "write a .tar, of which `apptainer build NEW.sif docker-archive:FILE.tar` makes one"
_TREE = "`ocilayout export` writes the files as a directory or a .tar, of which {} makes one"
_DISK = _TREE.format("mkfs.ext4 -d, or a tool for disk images,")
_SQUASHFS = _TREE.format("mksquashfs")

_OTHERS = {
    **dict.fromkeys((".gz", ".zst", ".xz", ".bz2", ".lz4", ".lzma", ".br", ".z"), _ARCHIVE),
    **dict.fromkeys((".zip", ".7z", ".rar", ".cpio", ".ar", ".jar"), _ARCHIVE),
    **dict.fromkeys((".rpm", ".deb", ".apk", ".snap", ".flatpak", ".appimage"), _ARCHIVE),
    ".sif": _APPTAINER,
    ".simg": _APPTAINER,
    **dict.fromkeys((".squashfs", ".sqfs", ".sqsh", ".sqashfs", ".sfs"), _SQUASHFS),
    **dict.fromkeys((".erofs", ".ext2", ".ext3", ".ext4", ".btrfs", ".xfs"), _DISK),
    **dict.fromkeys((".iso", ".img", ".raw", ".dd", ".dmg"), _DISK),
    **dict.fromkeys((".qcow", ".qcow2", ".vmdk", ".vdi", ".vhd", ".vhdx", ".ova"), _DISK),
}
"""What else a name may ask for, and what to write instead."""

LOOSE = {".img", ".raw", ".dd"}
"""What may be the name of a tar too, where a transport in front says that it is one."""


def tar_suffix(name: str) -> str | None:
    """The end of a file's name that says that it is a tar."""
    ends = sorted(SUFFIXES, key=len, reverse=True)
    return next((suffix for suffix in ends if name.lower().endswith(suffix)), None)


def other_suffix(name: str) -> tuple[str, str] | None:
    """The end of a name that asks for what is not written, and what to write instead."""
    lower = name.lower()
    if tar_suffix(lower) is not None:
        return None
    for suffix, advice in _OTHERS.items():
        if lower.endswith(suffix) and lower != suffix:
            return suffix, advice
    # As in app.tar.lz4, or app.tar.part1.
    _, dot, rest = lower.partition(".tar")
    return (f".tar{rest}", _ARCHIVE) if dot and rest else None
