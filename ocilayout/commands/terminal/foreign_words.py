"""What other tools call verbs and options, by what does the same here.

The words are those of docker, podman, skopeo, crane, regctl, oras, umoci, git and cp.
"""

VERBS = {
    "convert": ("copy", "cp", "mv", "repack", "transcode", "recompress", "write", "to"),
    "merge": ("create", "manifest", "index", "combine", "join"),
    "ls": ("list", "images", "tags", "catalog", "repo", "dir"),
    "inspect": (
        "show",
        "info",
        "history",
        "config",
        "digest",
        "raw",
        "describe",
        "view",
        "discover",
    ),
    "diff": ("compare", "cmp"),
    "check": ("test", "predict", "doctor"),
    "validate": ("verify", "fsck", "lint"),
    "tag": ("name", "rename"),
    "untag": ("rm", "rmi", "remove", "delete", "del"),
    "annotate": ("label", "edit", "mutate"),
    "gc": ("prune", "clean", "cleanup", "purge"),
    "export": ("unpack", "extract", "flatten", "mount", "untar"),
    "import": ("pack", "build", "insert", "append", "commit"),
    "push": ("upload", "publish", "put", "sync", "mirror"),
    "pull": ("download", "fetch", "sync", "mirror"),
    "save": ("dump",),
}

_LOGIN = "logins that docker login or podman login has stored are used"
VERB_ADVICE = {
    "help": "--help lists the verbs",
    "version": "--version says it",
    "login": _LOGIN,
    "logout": _LOGIN,
    "auth": _LOGIN,
}

OPTIONS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("--set-platform", "--platform"): (
        "--arch",
        "--os",
        "--variant",
        "--override-arch",
        "--override-os",
        "--override-variant",
        "--platforms",
    ),
    ("--tag",): ("--name", "--names", "--ref", "--ref-name", "--image-name", "--additional-tag"),
    ("--to", "--json"): ("--format", "--type", "--output-format", "--oci"),
    ("--output", "--to"): ("--out", "--dest", "--destination", "--outfile"),
    ("--for", "--engine"): ("--engine", "--runtime", "--target", "--client", "--for"),
    ("--compression",): (
        "--compression-format",
        "--uncompressed",
        "--no-compression",
        "--compress-blobs",
        "--dest-decompress",
        "--gzip",
        "--zstd",
        "-z",
        "--dest-compress-format",
        "--compress",
        "--dest-compress",
        "--codec",
    ),
    ("--level",): ("--dest-compress-level", "--compression-level", "--compress-level"),
    ("--media-types",): ("--oci-mediatypes", "--media-type", "--manifest-type", "--docker"),
    ("--attestations",): ("--provenance", "--sbom", "--no-attestations", "--no-provenance"),
    ("--missing",): ("--allow-missing", "--sparse", "--skip-missing", "--ignore-missing"),
    ("--referrers",): ("--signatures", "--recursive", "--with-referrers"),
    ("--all-tags",): ("--tags", "-a"),
    ("--force",): ("--overwrite", "--clobber", "--yes", "--override"),
    ("--replace",): ("--force", "--overwrite", "--amend"),
    ("--scratch",): ("--tmpdir", "--tmp", "--temp", "--temp-dir", "--cache", "--cache-dir"),
    ("--link",): ("--hardlink", "--hard-link", "--reflink"),
    ("--dry-run",): (
        "--dry",
        "--simulate",
        "--no-op",
        "--noop",
        "--dryrun",
        "--check",
        "--just-print",
    ),
    ("--jobs",): (
        "--threads",
        "--parallel",
        "--concurrency",
        "--workers",
        "--image-parallel-copies",
    ),
    ("--quiet",): ("--silent", "--no-progress"),
    ("--progress",): ("--no-progress", "--bar"),
    ("--verbose",): ("--debug", "--trace", "--log-level"),
    ("--lock-timeout",): ("--timeout", "--wait"),
    ("--change",): ("--label", "--cmd", "--entrypoint", "--env", "--workdir", "--user", "--volume"),
    ("--creds-file",): (
        "--dest-registry-token",
        "--src-registry-token",
        "--password-stdin",
        "--registry-token",
    ),
    ("--creds",): (
        "--username",
        "--user",
        "--password",
        "--src-creds",
        "--dest-creds",
        "--src-username",
        "--src-password",
        "--dest-username",
        "--dest-password",
    ),
    ("--ca",): (
        "--cert-dir",
        "--src-cert-dir",
        "--dest-cert-dir",
        "--ca-file",
        "--cacert",
        "--ca-cert",
    ),
    ("--insecure",): (
        "--tls-verify",
        "--src-tls-verify",
        "--dest-tls-verify",
        "--skip-tls-verify",
        "--insecure-skip-tls-verify",
        "--insecure-policy",
        "--allow-insecure",
        "--tls",
    ),
    ("--plain-http",): (
        "--http",
        "--use-http",
        "--allow-http",
        "--from-plain-http",
        "--to-plain-http",
    ),
    ("--allow-foreign",): ("--allow-nondistributable-artifacts", "--include-foreign"),
    ("--chunk-size",): ("--blob-chunk", "--chunk"),
    ("--drop",): ("--purge", "--delete", "--rm"),
    ("--message",): ("--comment",),
    ("--fast",): ("--quick", "--shallow", "--no-layers"),
    ("--registry-config",): ("--registries-conf", "--config-file"),
    ("--files",): ("--list-files", "--content", "--contents"),
    ("--json",): ("--digestfile", "--image-refs", "--metadata-file", "--iidfile"),
    ("--path",): ("--file", "--subpath", "--src"),
}
"""By what does it here, the first of several that a verb has."""

_ALL_KEPT = "everything is kept unless an option says otherwise"
_PLATFORMS_KEPT = "all platforms are kept unless --platform says otherwise"
ADVICE_OF_COPIES = {
    "--all-platforms": _PLATFORMS_KEPT,
    "--multi-arch": _PLATFORMS_KEPT,
    "--all": _ALL_KEPT,
    "-a": _ALL_KEPT,
    "--recursive": _ALL_KEPT,
    "-r": _ALL_KEPT,
    "--preserve-digests": "digests stay as they are unless an option changes the image",
}
"""What is said of options that would have a copy be complete: all copies are."""
_REPEATED = "requests are repeated by themselves"
_REGISTRY_AUTH_FILE = "the variable REGISTRY_AUTH_FILE names that file"
_FILE_ALONE = "write the file alone, without an option"
ADVICE = {
    "--authfile": _REGISTRY_AUTH_FILE,
    "--auth-file": _REGISTRY_AUTH_FILE,
    "--src-authfile": _REGISTRY_AUTH_FILE,
    "--dest-authfile": _REGISTRY_AUTH_FILE,
    "--retry": _REPEATED,
    "--retry-times": _REPEATED,
    "--retry-delay": _REPEATED,
    "--max-retries": _REPEATED,
    "--created": "the variable SOURCE_DATE_EPOCH sets that time",
    "--timestamp": "the variable SOURCE_DATE_EPOCH sets that time",
    "--input": _FILE_ALONE,
    "-i": _FILE_ALONE,
    "--image": _FILE_ALONE,
}
OUTPUT = ("-o", "--output", "--out", "--dest", "--destination", "--outfile")
NAMES = ("-t", "--tag", "--name", "--new-name", "--ref")
SHORT = {
    "-p": ("--platform",),
    "-f": ("--force", "--json"),
    "-n": ("--dry-run", "--namespace"),
    "-c": ("--compression",),
}
"""What letters stand for elsewhere, the first that a verb has."""
