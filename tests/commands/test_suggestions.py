"""What is said of verbs and options that do not exist, and of options that are given twice."""

import click
import pytest

from ocilayout.commands import _group
from tests.commands.conftest import CommandLine


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("covnert", "the most similar is convert"),
        ("psuh", "the most similar is push"),
        ("validte", "the most similar is validate"),
        ("exprot", "the most similar is export"),
        ("insp", "the most similar is inspect"),
        ("tagg", "the most similar is tag"),
        ("sl", "the most similar is ls"),
        ("login", "logins that docker login or podman login has stored are used"),
        ("LS", "verbs are in lower case: ls"),
    ],
)
def test_a_mistyped_verb_is_answered_with_the_nearest(
    ocilayout: CommandLine, word: str, meant: str
) -> None:
    said = f"{word!r} is not an ocilayout verb"
    done = ocilayout.refuse(2, said, word, "a.tar", "b.tar")
    assert meant in done.err
    assert "See 'ocilayout --help'" in done.err


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        ("copy", "convert"),
        ("cp", "convert"),
        ("list", "ls"),
        ("images", "ls"),
        ("rm", "untag"),
        ("rmi", "untag"),
        ("verify", "validate"),
        ("prune", "gc"),
        ("unpack", "export"),
        ("pack", "import"),
        ("create", "merge"),
        ("fetch", "pull"),
        ("sync", "pull or push"),
        ("discover", "inspect"),
        ("compare", "diff"),
    ],
)
def test_a_word_of_another_tool_is_answered_with_the_verb_for_it(
    ocilayout: CommandLine, word: str, verb: str
) -> None:
    ocilayout.refuse(2, f"what does that here is {verb}.", word)


def test_a_word_like_no_verb_is_answered_with_no_guess(ocilayout: CommandLine) -> None:
    done = ocilayout.refuse(2, "'xyzzy' is not an ocilayout verb. See", "xyzzy")
    assert "similar" not in done.err


@pytest.mark.parametrize("word", ["terminal", "__init__", "import_", ""])
def test_what_is_a_module_is_not_therefore_a_verb(ocilayout: CommandLine, word: str) -> None:
    ocilayout.refuse(2, "is not an ocilayout verb", word)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("convert a b --plaform linux/arm64", "the most similar is --platform"),
        ("convert a b --froce", "the most similar is --force"),
        ("convert a b --attest drop", "the most similar is --attestations"),
        ("convert a b --compression-format gzip", "use --compression"),
        ("tag a --name b", "write the names alone"),
        ("import a b --created 0", "SOURCE_DATE_EPOCH"),
        ("pull a b --arch arm64", "use --platform"),
        ("pull a b --override-os linux", "use --platform"),
        ("merge a -o b --arch arm64", "use --set-platform"),
        ("convert a b --all-platforms", "all platforms are kept unless --platform says otherwise"),
        ("convert a b --all", "everything is kept"),
        ("convert a --output b", "the destination is the last word, DST"),
        ("save a -o b", "the destination is the last word, DST"),
        ("push a b --out c", "the destination is the last word, DEST"),
        ("load -i a", "write the file alone"),
        ("load --input=a", "write the file alone"),
        ("inspect a --format x", "use --json"),
        ("convert a b --format oci", "use --to"),
        ("push a b --src-tls-verify=false", "use --insecure"),
        ("push a b --username u", "use --creds"),
        ("push a b --authfile x", "REGISTRY_AUTH_FILE"),
        ("import a b --user 1", "use --change"),
        ("convert a b --overwrite", "use --force"),
        ("ls a --drop", "but untag has it"),
        ("ls a --for docker-25", "but check, convert, pull, save have it"),
    ],
)
def test_an_option_that_a_verb_lacks_is_answered_with_what_is_meant(
    ocilayout: CommandLine, arguments: str, said: str
) -> None:
    verb = arguments.partition(" ")[0]
    done = ocilayout.refuse(2, f"ocilayout {verb} has no option -", *arguments.split())
    assert said in done.err
    assert f"See 'ocilayout {verb} --help'" in done.err


@pytest.mark.parametrize(
    "option", ["--no-force", "--no-dry-run", "--wibble", "--template", "--local", "--purge"]
)
def test_no_option_is_answered_with_its_opposite_or_at_random(
    ocilayout: CommandLine, option: str
) -> None:
    ocilayout.refuse(2, f"has no option {option}. See", "convert", "a", "b", option)


def test_an_option_in_front_of_the_verb_is_told_its_place(ocilayout: CommandLine) -> None:
    ocilayout.refuse(2, "options come after it", "--json", "ls", "a.tar")


def single_options() -> list[tuple[str, str]]:
    """Every option of every verb that takes one value."""
    with click.Context(_group) as context:
        commands = [
            (name, _group.get_command(context, name)) for name in _group.list_commands(context)
        ]
    return [
        (verb, max(option.opts, key=len))
        for verb, command in commands
        if command is not None
        for option in command.params
        if isinstance(option, click.Option) and not option.multiple and not option.is_flag
    ]


@pytest.mark.parametrize(("verb", "option"), single_options())
def test_an_option_of_one_value_is_not_taken_twice(
    ocilayout: CommandLine, verb: str, option: str
) -> None:
    twice = [option, "1", f"{option}=1"]
    ocilayout.refuse(2, f"{option} takes one value and is given twice", verb, "a", "b", *twice)


def test_its_short_form_counts_too(ocilayout: CommandLine) -> None:
    said = "--jobs takes one value and is given twice"
    ocilayout.refuse(2, said, "convert", "a", "b", "-j2", "--jobs", "4")


def test_flags_and_what_may_be_repeated_are_given_at_will(ocilayout: CommandLine) -> None:
    words = [
        "-q",
        "-q",
        "-t",
        "a:1",
        "-t",
        "a:2",
        "--platform",
        "linux/arm64",
        "--platform",
        "s390x",
    ]
    ocilayout.refuse(1, "absent.tar", "convert", "absent.tar", "out.tar", *words)
