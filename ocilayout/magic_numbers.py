"""Magic numbers of what people take for image archives, with what to type for each.

The numbers are those of each format's own specification, or of file(1).
"""

from typing import NamedTuple

_UNPACK = "and name what was in it"
_INTO_ROOTFS = "then ocilayout import rootfs imported.tar -t NAME:TAG"
_MOUNT = "mount -o ro,loop {file} /mnt, then ocilayout import /mnt imported.tar -t NAME:TAG"
_IMAGES = "name what docker save, podman save or buildx wrote"
_PACKAGE = "a package is no image: " + _IMAGES


class Magic(NamedTuple):
    """One kind of file; `{file}`, `{tar}` and `{directory}` in `advice` are put in."""

    offset: int
    """Bytes from the start of the file."""
    content: bytes
    name: str
    advice: str


# First match wins: disks come last, as their magics stand deep in the file and are short.
MAGICS = (
    Magic(0, b"PK\x03\x04", "a zip archive", "unzip {file}, " + _UNPACK),
    Magic(0, b"PK\x05\x06", "an empty zip archive", "write it again"),
    Magic(0, b"PK\x07\x08", "a zip archive in parts", "unzip {file}, " + _UNPACK),
    Magic(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x {file}, " + _UNPACK),
    Magic(0, b"Rar!\x1a\x07", "a RAR archive", "unrar x {file}, " + _UNPACK),
    Magic(0, b"\x04\x22\x4d\x18", "compressed with lz4", "lz4 -dc {file} > {tar}"),
    Magic(0, b"\x02\x21\x4c\x18", "compressed with lz4", "lz4 -dc {file} > {tar}"),
    Magic(0, b"LZIP\x01", "compressed with lzip", "lzip -dc {file} > {tar}"),
    Magic(0, b"\x89LZO\0\r\n\x1a\n", "compressed with lzop", "lzop -dc {file} > {tar}"),
    Magic(0, b"\x1f\x9d", "compressed with compress", "gzip -dc {file} > {tar}"),
    Magic(0, b"\x5d\0\0", "compressed with lzma", "xz --format=lzma -dc {file} > {tar}"),
    Magic(0, b"\xff\x06\0\0sNaPpY", "compressed with snappy", "snzip -dc {file} > {tar}"),
    Magic(0, b"MSCF\0\0\0\0", "a cabinet archive of Windows", "cabextract {file}, " + _UNPACK),
    Magic(0, b"xar!", "an archive of macOS (xar)", "xar -xf {file}, " + _UNPACK),
    Magic(0, b"!<arch>\ndebian-binary", "a Debian package", _PACKAGE),
    Magic(0, b"!<arch>\n", "an archive of ar", "ar x {file}, " + _UNPACK),
    Magic(0, b"\xed\xab\xee\xdb", "an RPM package", _PACKAGE),
    Magic(0, b"ADBd", "an Alpine package", _PACKAGE),
    Magic(0, b"ADB.", "an Alpine package", _PACKAGE),
    *(
        Magic(
            0,
            magic,
            "a cpio archive, as an initramfs is",
            "cpio -idm -D rootfs < {file}, " + _INTO_ROOTFS,
        )
        for magic in (b"070701", b"070702", b"070707", b"\xc7\x71")
    ),
    *(
        Magic(
            0,
            magic,
            "a compressed file that was taken for text, as PowerShell's > does, which spoils it",
            "write it again in PowerShell with cmd /c, or with an option as docker save -o",
        )
        for magic in (b"\x1f\xef\xbf\xbd\x08", b"(\xef\xbf\xbd/\xef\xbf\xbd")
    ),
    Magic(0, b"Salted__", "encrypted with openssl", "openssl enc -d -in {file} -out {tar}"),
    Magic(
        32,
        b"SIF_MAGIC",
        "an image of Apptainer or Singularity (SIF)",
        "apptainer build --sandbox rootfs {file}, " + _INTO_ROOTFS,
    ),
    Magic(8, b"AI\x02", "an AppImage", "{file} --appimage-extract, and import squashfs-root"),
    Magic(0, b"\x7fELF", "a program (ELF)", _IMAGES),
    Magic(0, b"MZ", "a program of Windows (PE)", _IMAGES),
    *(
        Magic(0, magic, "a program of macOS (Mach-O)", _IMAGES)
        for magic in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02")
    ),
    Magic(0, b"\xca\xfe\xba\xbe", "a class of Java", _IMAGES),
    Magic(0, b"\0asm", "a WebAssembly module", _IMAGES),
    Magic(0, b"\0\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)", "name that file"),
    Magic(0, b"SQLite format 3\0", "an SQLite database", _IMAGES),
    Magic(0, b"%PDF-", "a PDF document", _IMAGES),
    *(
        Magic(0, magic, "a picture, and no container image", _IMAGES)
        for magic in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
    ),
    *(
        Magic(0, magic, "a squashfs file system", "unsquashfs -d rootfs {file}, " + _INTO_ROOTFS)
        for magic in (b"hsqs", b"sqsh")
    ),
    Magic(0, b"XFSB", "an XFS file system", _MOUNT),
    Magic(1024, b"\xe2\xe1\xf5\xe0", "an EROFS file system", _MOUNT),
    Magic(1080, b"\x53\xef", "an ext2, ext3 or ext4 file system", _MOUNT),
    Magic(65600, b"_BHRfS_M", "a btrfs file system", _MOUNT),
    Magic(32769, b"CD001", "an ISO 9660 image of a disc", _MOUNT),
    Magic(0, b"LUKS\xba\xbe", "an encrypted disk (LUKS)", "cryptsetup open {file}, and mount it"),
    *(
        Magic(
            offset,
            magic,
            f"the disk of a virtual machine ({name})",
            "virt-tar-out -a {file} / rootfs.tar, then ocilayout import rootfs.tar imported.tar "
            "-t NAME:TAG",
        )
        for offset, magic, name in (
            (0, b"QFI\xfb", "qcow2"),
            (0, b"KDMV", "VMDK"),
            (0, b"# Disk DescriptorFile", "VMDK"),
            (0, b"vhdxfile", "VHDX"),
            (0, b"conectix", "VHD"),
            (64, b"\x7f\x10\xda\xbe", "VDI"),
            (512, b"EFI PART", "raw, GPT"),
            (510, b"\x55\xaa", "raw, MBR"),
        )
    ),
)
