"""What to type instead of a verb or an option that does not exist.

Words that other tools have for the same thing come first; only then the nearest letters count.
"""

from collections.abc import Iterable
from difflib import get_close_matches

import click

# Words of docker, podman, skopeo, crane, regctl, oras, umoci, git and cp.
_VERBS = {
    "convert": ("copy", "cp", "mv", "repack", "transcode", "recompress", "write", "to"),
    "merge": ("create", "manifest", "index", "combine", "join"),
    "ls": ("list", "images", "tags", "catalog", "repo", "dir"),
    "inspect": ("show", "info", "history", "config", "digest", "raw", "describe", "view", "get"),
    "diff": ("compare", "cmp"),
    "check": ("test", "predict", "doctor"),
    "validate": ("verify", "fsck", "lint"),
    "tag": ("name", "rename"),
    "untag": ("rm", "rmi", "remove", "delete", "del"),
    "annotate": ("label", "edit", "mutate"),
    "gc": ("prune", "clean", "cleanup", "purge"),
    "export": ("unpack", "extract", "flatten", "mount", "untar"),
    "import": ("pack", "build", "insert", "append", "commit"),
    "push": ("upload", "publish", "put"),
    "pull": ("download", "fetch", "sync", "mirror"),
    "save": ("dump",),
}

# What another tool calls an option, by what does it here: the first that the verb has.
_OPTIONS: dict[tuple[str, ...], tuple[str, ...]] = {
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
    ("--compression",): ("--dest-compress-format", "--compress", "--dest-compress", "--codec"),
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
    ("--dry-run",): ("--simulate", "--no-op", "--noop", "--dryrun", "--check", "--just-print"),
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
    ("--change",): ("--cmd", "--entrypoint", "--env", "--workdir", "--user", "--volume"),
    ("--creds-file",): ("--password-stdin", "--registry-token"),
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
    ("--allow-foreign",): ("--allow-nondistributable-artifacts", "--foreign", "--include-foreign"),
    ("--chunk-size",): ("--blob-chunk", "--chunk"),
    ("--drop",): ("--purge", "--delete", "--rm"),
    ("--message",): ("--comment",),
    ("--path",): ("--file", "--subpath", "--src"),
}

_ADVICE = {
    "--all-platforms": "all platforms are kept unless --platform says otherwise",
    "--all": "everything is kept unless an option says otherwise",
    "--multi-arch": "all platforms are kept unless --platform says otherwise",
    "-a": "everything is kept unless an option says otherwise",
    "--authfile": "the variable REGISTRY_AUTH_FILE names that file",
    "--auth-file": "the variable REGISTRY_AUTH_FILE names that file",
    "--preserve-digests": "digests stay as they are unless an option changes the image",
    "--retry": "requests are repeated by themselves",
    "--retry-times": "requests are repeated by themselves",
    "--max-retries": "requests are repeated by themselves",
    "--recursive": "the whole image is copied by itself",
    "-r": "the whole image is copied by itself",
    "--input": "write the file alone, without an option",
    "-i": "write the file alone, without an option",
    "--image": "write the place alone, without an option",
}
_OUTPUT = ("-o", "--output", "--out", "--dest", "--destination", "--outfile")
_SHORT = {"-p": "--platform", "-f": "--force", "-n": "--dry-run", "-c": "--compression"}


def unknown_verb(word: str, verbs: Iterable[str]) -> str:
    """What to say of a word that is none of `verbs`."""
    known = sorted(verbs)
    lower = word.lower()
    if lower in known:
        return f"{word!r} is not an ocilayout verb: verbs are in lower case: {lower}"
    meant = next((verb for verb, words in _VERBS.items() if lower in words), None)
    if meant in known:
        return f"{word!r} is not an ocilayout verb; what does that here is {meant}"
    begun = [verb for verb in known if len(lower) > 1 and verb.startswith(lower)]
    similar = begun or get_close_matches(lower, known, 3, 0.6)
    if not similar:
        return f"{word!r} is not an ocilayout verb"
    be = "is" if len(similar) == 1 else "are"
    return f"{word!r} is not an ocilayout verb; the most similar {be} {' and '.join(similar)}"


def unknown_option(option: str, command: click.Command, context: click.Context) -> str:
    """What to say of an option that `command` does not have."""
    known = [name for parameter in command.params for name in parameter.opts if name[0] == "-"]
    refusal = f"{context.command_path} has no option {option}"
    meant = _meant(option, known, command)
    if meant is not None:
        return f"{refusal}; {meant}"
    others = _verbs_with(option, context)
    if others:
        return f"{refusal}, but {', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
    # Of two opposites neither is a slip of the fingers for the other.
    similar = [] if option.startswith("--no-") else get_close_matches(option, known, 1, 0.7)
    return f"{refusal}; the most similar is {similar[0]}" if similar else refusal


def _meant(option: str, known: list[str], command: click.Command) -> str | None:
    if option in _OUTPUT and "--output" not in known:
        last = [one for one in command.params if isinstance(one, click.Argument)][-1:]
        if last and str(last[0].metavar).endswith(("DST", "DEST")):
            return f"the destination is the last word, {last[0].metavar}"
    for candidates, words in _OPTIONS.items():
        meant = next((name for name in candidates if name in known), None)
        if meant is not None and (option in words or meant == _SHORT.get(option)):
            return f"use {meant}"
    return _ADVICE.get(option)


def _verbs_with(option: str, context: click.Context) -> list[str]:
    group = context.find_root().command
    if not isinstance(group, click.Group):
        return []
    commands = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return [
        name
        for name, command in commands
        if command and any(option in parameter.opts for parameter in command.params)
    ]
