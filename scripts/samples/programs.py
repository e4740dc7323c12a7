"""Static Linux programs that print one line, as machine code put down by hand.

Each one is an ELF header, one program header, the instructions and the text, in one
read-only executable segment. Where an instruction set has no constants of the needed
size, the text is found relative to the program counter.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

BASE = 0x10000000
PAGE = 0x10000  # arm64 and ppc64le kernels may have pages of 64 KiB

Assembler = Callable[[int, int], bytes]
"""From the text's address and length to the instructions; their size never varies."""


@dataclass(frozen=True)
class Machine:
    """What an ELF header says of a processor, and the instructions for it."""

    elf_machine: int
    elf_flags: int
    bits: int
    order: str
    assemble: Assembler

    @property
    def header_sizes(self) -> tuple[int, int]:
        """The sizes of the ELF header and of one program header."""
        return (64, 56) if self.bits == 64 else (52, 32)


def little(*words: int) -> bytes:
    """Instructions of 32 bits, as a little-endian processor reads them."""
    return struct.pack(f"<{len(words)}I", *words)


def amd64(text: int, length: int) -> bytes:
    """System calls: 1 is write, 60 is exit; rax names the call, rdi, rsi and rdx are arguments."""
    return (
        b"\xb8\x01\x00\x00\x00"  # mov eax, 1
        b"\xbf\x01\x00\x00\x00"  # mov edi, 1
        + (b"\xbe" + struct.pack("<I", text))  # mov esi, text
        + (b"\xba" + struct.pack("<I", length))  # mov edx, length
        + b"\x0f\x05"  # syscall
        b"\xb8\x3c\x00\x00\x00"  # mov eax, 60
        b"\x31\xff"  # xor edi, edi
        b"\x0f\x05"  # syscall
    )


def i386(text: int, length: int) -> bytes:
    """System calls: 4 is write, 1 is exit; eax names the call, ebx, ecx and edx are arguments."""
    return (
        b"\xb8\x04\x00\x00\x00"  # mov eax, 4
        b"\xbb\x01\x00\x00\x00"  # mov ebx, 1
        + (b"\xb9" + struct.pack("<I", text))  # mov ecx, text
        + (b"\xba" + struct.pack("<I", length))  # mov edx, length
        + b"\xcd\x80"  # int 0x80
        b"\xb8\x01\x00\x00\x00"  # mov eax, 1
        b"\x31\xdb"  # xor ebx, ebx
        b"\xcd\x80"  # int 0x80
    )


def arm64(text: int, length: int) -> bytes:
    """System calls: 64 is write, 93 is exit; x8 names the call, x0, x1 and x2 are arguments."""
    return little(
        0xD2800020,  # mov x0, #1
        0x100000E1,  # adr x1, .+28 (the text)
        0xD2800002 | length << 5,  # mov x2, #length
        0xD2800808,  # mov x8, #64
        0xD4000001,  # svc #0
        0xD2800000,  # mov x0, #0
        0xD2800BA8,  # mov x8, #93
        0xD4000001,  # svc #0
    )


def arm(text: int, length: int) -> bytes:
    """System calls: 4 is write, 1 is exit; r7 names the call, r0, r1 and r2 are arguments."""
    return little(
        0xE3A07004,  # mov r7, #4
        0xE3A00001,  # mov r0, #1
        0xE28F1010,  # add r1, pc, #16 (the text: pc is two instructions ahead)
        0xE3002000 | length,  # movw r2, #length (new in ARMv7)
        0xEF000000,  # svc #0
        0xE3A07001,  # mov r7, #1
        0xE3A00000,  # mov r0, #0
        0xEF000000,  # svc #0
    )


def riscv64(text: int, length: int) -> bytes:
    """System calls: 64 is write, 93 is exit; a7 names the call, a0, a1 and a2 are arguments."""
    return little(
        0x00100513,  # addi a0, zero, 1
        0x00000597,  # auipc a1, 0
        0x02058593,  # addi a1, a1, 32 (the text, from auipc on)
        0x00000613 | length << 20,  # addi a2, zero, length
        0x04000893,  # addi a7, zero, 64
        0x00000073,  # ecall
        0x00000513,  # addi a0, zero, 0
        0x05D00893,  # addi a7, zero, 93
        0x00000073,  # ecall
    )


def ppc64le(text: int, length: int) -> bytes:
    """System calls: 4 is write, 1 is exit; r0 names the call, r3, r4 and r5 are arguments."""
    return little(
        0x38000004,  # li r0, 4
        0x38600001,  # li r3, 1
        0x3C800000 | text >> 16,  # lis r4, text@h
        0x60840000 | text & 0xFFFF,  # ori r4, r4, text@l
        0x38A00000 | length,  # li r5, length
        0x44000002,  # sc
        0x38000001,  # li r0, 1
        0x38600000,  # li r3, 0
        0x44000002,  # sc
    )


def s390x(text: int, length: int) -> bytes:
    """System calls: 4 is write, 1 is exit; svc names the call, r2, r3 and r4 are arguments."""
    return (
        b"\xa7\x29\x00\x01"  # lghi %r2, 1
        b"\xc0\x30\x00\x00\x00\x09"  # larl %r3, .+18 (the text, counted in halves of a word)
        + (b"\xa7\x49" + struct.pack(">H", length))  # lghi %r4, length
        + b"\x0a\x04"  # svc 4
        b"\xa7\x29\x00\x00"  # lghi %r2, 0
        b"\x0a\x01"  # svc 1
    )


MACHINES = {
    "linux/amd64": Machine(62, 0, 64, "<", amd64),
    "linux/arm64": Machine(183, 0, 64, "<", arm64),
    "linux/arm/v7": Machine(40, 0x05000000, 32, "<", arm),  # EABI, version 5
    "linux/386": Machine(3, 0, 32, "<", i386),
    "linux/riscv64": Machine(243, 0, 64, "<", riscv64),
    "linux/ppc64le": Machine(21, 2, 64, "<", ppc64le),  # ELF ABI, version 2
    "linux/s390x": Machine(22, 0, 64, ">", s390x),
}


def hello_program(platform: str) -> bytes:
    """An executable that prints `Hello from PLATFORM`."""
    machine = MACHINES[platform]
    text = f"Hello from {platform}\n".encode()
    start = sum(machine.header_sizes)
    code_size = len(machine.assemble(BASE, len(text)))
    code = machine.assemble(BASE + start + code_size, len(text))
    return headers(machine, start + code_size + len(text)) + code + text


def headers(machine: Machine, file_size: int) -> bytes:
    """An ELF header and a program header that maps the whole file, readable and executable."""
    wide = machine.bits == 64
    header, segment = machine.header_sizes
    word = "Q" if wide else "I"
    order = machine.order
    ident = bytes((0x7F, *b"ELF", 2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    elf = struct.pack(
        f"{order}HHI3{word}I6H",
        *(2, machine.elf_machine, 1),  # an executable, for this machine, ELF version 1
        *(BASE + header + segment, header, 0),  # entry point, program headers, no sections
        machine.elf_flags,
        *(header, segment, 1, 0, 0, 0),
    )
    load, read_execute = 1, 5
    place = (0, BASE, BASE, file_size, file_size)
    if wide:
        program = struct.pack(f"{order}II6Q", load, read_execute, *place, PAGE)
    else:
        program = struct.pack(f"{order}8I", load, *place, read_execute, PAGE)
    return ident + elf + program
