"""Where an archive ends, and what is no header: damage must not pass for the end."""

from ocilayout import notices
from ocilayout.errors import InvalidArchive
from ocilayout.tar_blocks import BLOCK, Blocks


def is_header(block: bytes) -> bool:
    """Whether a tar may begin with this block: a header, or the zeros of an empty one."""
    if not any(block):
        return True
    try:
        check_sum(block.ljust(BLOCK, b"\0"), "")
    except InvalidArchive:
        return False
    return True


def check_sum(block: bytes, where: str) -> None:
    """Check the sum of a header; raises InvalidArchive."""
    digits = block[148:156].replace(b"\0", b" ").strip()
    stated = int(digits, 8) if digits and not digits.strip(b"01234567") else -1
    others = block[:148] + b" " * 8 + block[156:]
    found = sum(others)
    # Some old tars summed signed characters.
    if stated != found and stated != found - 256 * sum(byte > 127 for byte in others):
        raise InvalidArchive(f"{where}: no tar header stands here: it is damaged, or no tar at all")


def check_end(blocks: Blocks, offset: int) -> None:
    """Check what follows the block of zeros at `offset`; raises InvalidArchive.

    Two of them end an archive; one may be damage, and what follows it would be lost.
    """
    if blocks.may_end(offset + BLOCK):
        return
    if any(blocks.read(offset + BLOCK, BLOCK)):
        raise InvalidArchive(
            f"{blocks.label}, byte {offset}: a lone block of zeros stands between members: "
            "the file is damaged, or archives were strung together"
        )
    position = offset + 2 * BLOCK
    if blocks.vouched:
        # eStargz layers have their table of contents there, and no engine reads it as members.
        for _ in blocks.tail(position):
            pass
        return
    for content in blocks.tail(position):
        following = content.lstrip(b"\0")
        if following:
            start = (len(content) - len(following)) // BLOCK * BLOCK
            where = f"{blocks.label}, byte {position + start}"
            _refuse_header(content[start : start + BLOCK], where)
            notices.warn(f"{where}: what follows the end of the archive is not read")
            return
        position += len(content)


def _refuse_header(block: bytes, where: str) -> None:
    if not is_header(block):
        return
    raise InvalidArchive(
        f"{where}: members follow the end of the archive: archives were strung together, and "
        "tools differ in what they read"
    )
