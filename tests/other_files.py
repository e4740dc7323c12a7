"""Files that people take for image archives: the beginning of each kind, and what it is called."""

import base64
import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable

import zstandard

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def at(offset: int, magic: bytes, size: int = 70_000, fill: bytes = b"\x01\0") -> bytes:
    """A file of no other kind with a magic number somewhere in its beginning."""
    content = bytearray((fill * size)[:size])
    content[offset : offset + len(magic)] = magic
    return bytes(content)


def zip_of(name: str, content: bytes = b"") -> bytes:
    """A zip archive as Python writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"
LFS = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)

BINARIES = {
    "zip": (zip_of("app.tar"), "a zip archive with 'app.tar' in it"),
    "empty zip": (zip_of("app.tar")[-22:], "an empty zip archive"),
    "wheel": (zip_of("app/__init__.py"), "a zip archive with 'app/__init__.py' in it"),
    "7z": (at(0, b"7z\xbc\xaf\x27\x1c"), "a 7-Zip archive: 7z x"),
    "rar 4": (at(0, b"Rar!\x1a\x07\0"), "a RAR archive: unrar x"),
    "rar 5": (at(0, b"Rar!\x1a\x07\x01\0"), "a RAR archive: unrar x"),
    "lz4": (at(0, b"\x04\x22\x4d\x18"), "compressed with lz4: lz4 -dc"),
    "legacy lz4": (at(0, b"\x02\x21\x4c\x18"), "compressed with lz4: lz4 -dc"),
    "lzip": (at(0, b"LZIP\x01"), "lzip: lzip -dc"),
    "lzop": (at(0, b"\x89LZO\0\r\n\x1a\n"), "lzop: lzop -dc"),
    "lzma": (lzma.compress(bytes(range(256)) * 9, lzma.FORMAT_ALONE), "xz --format=lzma -dc"),
    "compress": (at(0, b"\x1f\x9d"), "gzip -dc"),
    "deb": (at(0, b"!<arch>\ndebian-binary   1700000000"), "a Debian package"),
    "static library": (at(0, b"!<arch>\n"), "ar x"),
    "rpm": (at(0, b"\xed\xab\xee\xdb\x03\0"), "an RPM package"),
    "apk": (at(0, b"ADBd"), "an Alpine package"),
    "cpio": (at(0, b"070701"), "a cpio archive"),
    "old cpio": (at(0, b"\xc7\x71"), "a cpio archive"),
    "gzip as text": (at(0, b"\x1f\xef\xbf\xbd\x08"), "taken for text, as PowerShell's > does"),
    "zstd as text": (at(0, b"(\xef\xbf\xbd/\xef\xbf\xbd"), "taken for text"),
    "openssl": (at(0, b"Salted__"), "encrypted with openssl"),
    "sif": (at(0, b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\0"), "apptainer build --sandbox"),
    "squashfs": (at(0, b"hsqs"), "a squashfs file system: unsquashfs"),
    "xfs": (at(0, b"XFSB"), "an XFS file system: mount"),
    "ext4": (at(1080, b"\x53\xef", fill=b"\0"), "ext4 file system: mount"),
    "erofs": (at(1024, b"\xe2\xe1\xf5\xe0", fill=b"\0"), "an EROFS file system: mount"),
    "btrfs": (at(65600, b"_BHRfS_M", fill=b"\0"), "a btrfs file system: mount"),
    "iso": (at(32769, b"CD001", fill=b"\0"), "an ISO 9660 image of a disc: mount"),
    "luks": (at(0, b"LUKS\xba\xbe"), "an encrypted disk (LUKS)"),
    "qcow2": (at(0, b"QFI\xfb"), "(qcow2): virt-tar-out"),
    "vmdk": (at(0, b"KDMV"), "(VMDK): virt-tar-out"),
    "vhdx": (at(0, b"vhdxfile"), "(VHDX): virt-tar-out"),
    "raw disk": (at(510, b"\x55\xaa"), "(raw, MBR): virt-tar-out"),
    "gpt disk": (at(510, b"\x55\xaaEFI PART"), "(raw, GPT): virt-tar-out"),
    "appimage": (at(0, b"\x7fELF\x02\x01\x01\0AI\x02"), "an AppImage"),
    "elf": (at(0, b"\x7fELF\x02\x01\x01"), "a program (ELF)"),
    "pe": (at(0, b"MZ\x90\0"), "a program of Windows (PE)"),
    "mach-o": (at(0, b"\xcf\xfa\xed\xfe"), "a program of macOS (Mach-O)"),
    "java": (at(0, b"\xca\xfe\xba\xbe\0\0\0\x34"), "a class of Java"),
    "wasm": (at(0, b"\0asm\x01\0\0\0"), "a WebAssembly module"),
    "appledouble": (at(0, b"\0\x05\x16\x07\0\x02"), "what macOS keeps beside a file"),
    "sqlite": (at(0, b"SQLite format 3\0"), "an SQLite database"),
    "pdf": (at(0, b"%PDF-1.7\n"), "a PDF document"),
    "png": (at(0, b"\x89PNG\r\n\x1a\n"), "a picture"),
}
"""By kind: a file, and what its message says."""

TEXTS = {
    "html": (HTML, "an HTML page"),
    "html in capitals": (b"\n <HTML lang=en><body>Sign in</body>", "an HTML page"),
    "xhtml": (b'<?xml version="1.0"?><!DOCTYPE html><html/>', "an HTML page"),
    "s3 error": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML"),
    "lfs": (LFS, "a Git LFS pointer, not the file itself: git lfs pull"),
    "annex": (b"/annex/objects/SHA256E-s1--0.tar\n", "git annex get"),
    "git bundle": (b"# v2 git bundle\n0123 refs/heads/main\n", "git clone"),
    "age": (b"age-encryption.org/v1\n-> X25519 a\n", "encrypted with age: age -d"),
    "pgp": (b"-----BEGIN PGP MESSAGE-----\n\nabc\n", "encrypted with OpenPGP: gpg"),
    "pem": (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "(PEM)"),
    "base64": (base64.b64encode(gzip.compress(b"x", mtime=0)), "base64 text of a gzip stream"),
    "http": (b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n", "an HTTP answer with its headers"),
    "script": (b"#!/bin/sh\ndocker save app\n", "a script"),
    "checksums": (b"a" * 64 + b"  app.tar\n" + b"b" * 64 + b" *b.tar\n", "a list of checksums"),
    "dockerfile": (b"# syntax=x\nARG V=1\n\nFROM alpine:$V\n", "a Dockerfile: docker buildx build"),
    "compose": (
        b"name: x\nservices:\n  web:\n    image: nginx\n",
        "a compose file, which only names images: docker save",
    ),
    "kubernetes": (b"---\napiVersion: v1\nkind: Pod\n", "a manifest of Kubernetes"),
    "docker list": (b'[{"Config":"a.json","RepoTags":null,"Layers":[]}]', "the manifest.json of a"),
    "index": (b'{"schemaVersion":2,"manifests":[]}', "an image index"),
    "marker": (b'{"imageLayoutVersion":"1.0.0"}', "the oci-layout file of an OCI layout"),
    "manifest": (b'{"schemaVersion": 2, "config": {}, "layers": []}', "an image manifest"),
    "config": (
        b'{"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
        "the config of an image",
    ),
    "inspected": (b'[{"Id":"sha256:0","RepoTags":["a:1"]}]', "what docker inspect prints"),
    "refused": (b'{"errors":[{"code":"DENIED"}]}', "the error that a registry answered"),
    "sbom": (b'{"spdxVersion":"SPDX-2.3"}', "an SBOM (SPDX)"),
    "json": (b'{"a": 1}', "JSON"),
    "list": (b"[\n  [1, 2]]", "JSON"),
    "toml": (b"[build-system]\nrequires = []\n", "text"),
    "template": (b"{{ .Values.image }}\n", "text"),
    "text": (b"docker save is what you want\n", "text"),
    "text like a program": ("MZ is what a café begins with".encode(), "text"),
}

MARKED = {
    "powershell": (b"\xff\xfe" + "manifest.json".encode("utf-16-le"), "UTF-16 text"),
    "utf-16 be": (b"\xfe\xff" + "<html>".encode("utf-16-be"), "UTF-16 text"),
    "notepad list": (
        b'\xef\xbb\xbf[{"Config":"a","Layers":[]}]',
        "JSON with a byte order mark, as Notepad saves it: the manifest.json of a Docker archive",
    ),
    "notepad json": (b"\xef\xbb\xbf{}", "JSON with a byte order mark"),
    "notepad text": (b"\xef\xbb\xbftext", "text"),
}

DAMAGED = {
    "empty": (b"", "is empty"),
    "one zero": (b"\0", "is nothing but zeros"),
    "zeros": (bytes(512), "is nothing but zeros"),
    "many zeros": (
        bytes(1_000_000),
        "zeros at its start, as a copy or a download that was cut off",
    ),
    "short": (b"\x01\x02\x03", "is too short for a tar: 3 bytes"),
    "almost a block": (b"\x01" * 511, "is too short for a tar: 511 bytes"),
}
