"""What can go wrong, as one tree; each class knows its exit code.

    OciLayoutError (1)
    ├── UsageError (2)              the request itself makes no sense
    ├── InvalidDocument             JSON, a descriptor, a name: not what the specification says
    │   └── InvalidDigest
    ├── InvalidArchive              a tar that is damaged, truncated or ambiguous
    │   ├── NotAnImage              a file or directory that is something else
    │   ├── LeadsThroughLink        a file of a layout that is a link, or lies behind one
    │   ├── OldSparseMember         a member in GNU's old sparse format, which no engine reads
    │   └── TruncatedArchive        a tar that ends inside a header or a member
    ├── IntegrityError              bytes that do not hash to, or count up to, what was promised
    ├── CompressionError            a compressed stream that is damaged, truncated or too greedy
    ├── NotFound
    │   ├── PlaceNotFound           no such file or folder
    │   ├── BlobNotFound            a document names a blob that is not there
    │   │   └── DanglingLink        it is a link to a file that is not there
    │   └── ImageNotFound           no image of that name, digest or platform
    ├── AmbiguousName               a name that fits several images
    ├── PlatformConflict            two different images for one platform
    ├── DestinationExists           an output that would be overwritten
    ├── CannotHold                  the format asked for has no form for this
    ├── LayoutBusy                  another process holds the layout's lock
    ├── EngineFailed                an engine's client is absent, gets no answer, or failed
    └── RegistryFailed              a registry refused, could not be reached, or answered nonsense
        ├── AccessDenied            it wants a login, or the one it was given is not enough
        ├── Unanswered              no connection, or one that broke: it may answer later
        │   └── NotEncrypted        it does not speak TLS
        └── TransferBroken          a connection broke while a blob was sent: it may be sent again

Every message says what is wrong, with which file, digest or member, and what to do.
"""


class OciLayoutError(Exception):
    """Root of the tree: whatever this package raises on purpose."""

    exit_code = 1

    def __init__(self, text: str, remedy: str = "") -> None:
        """`text` is what is wrong, `remedy` what to do where somebody may know better."""
        super().__init__(f"{text}: {remedy}" if remedy else text)
        self.text = text


class UsageError(OciLayoutError):
    """A request that makes no sense whatever the files hold."""

    exit_code = 2


class InvalidDocument(OciLayoutError):
    """JSON, a descriptor, a name or a platform that is not as its specification says."""


class InvalidDigest(InvalidDocument):
    """A digest that is not `algorithm:encoded`, or of the wrong length for its algorithm."""


class InvalidArchive(OciLayoutError):
    """A tar that is damaged, truncated, ambiguous, or not an image at all."""


class NotAnImage(InvalidArchive):
    """A file or a directory that is not damaged, as far as is known, but something else."""


class LeadsThroughLink(InvalidArchive):
    """A file that is a link, or lies behind one, where links are not followed."""


class OldSparseMember(InvalidArchive):
    """A member in GNU's old sparse format, of which Go's reader says "unhandled tar header"."""


class TruncatedArchive(InvalidArchive):
    """A tar that ends inside a header or a member, of which Go's reader says "unexpected EOF"."""


class IntegrityError(OciLayoutError):
    """Content whose digest or size differs from what its descriptor or config promises."""


class CompressionError(OciLayoutError):
    """A compressed stream that is damaged, truncated, or asks for too much memory."""


class NotFound(OciLayoutError):
    """Something that was asked for is not there."""


class PlaceNotFound(NotFound):
    """No file or folder of that name."""


class BlobNotFound(NotFound):
    """A document names a blob that its store does not have."""


class DanglingLink(BlobNotFound):
    """A blob, or a member of an archive, that is a link to nothing."""


class ImageNotFound(NotFound):
    """No image has that name, digest or platform."""


class AmbiguousName(OciLayoutError):
    """A name that fits several images, so that none may be picked."""


class PlatformConflict(OciLayoutError):
    """Two different images claim the same platform of one index."""


class DestinationExists(OciLayoutError):
    """An output that exists and that nobody asked to replace."""


class CannotHold(OciLayoutError):
    """The format asked for has no form for what it was given."""


class LayoutBusy(OciLayoutError):
    """Another process kept the lock of a layout for too long."""


class EngineFailed(OciLayoutError):
    """The client of an engine is not there, gets no answer, or says that it failed."""


class RegistryFailed(OciLayoutError):
    """A registry refused, could not be reached, or answered what makes no sense."""


class AccessDenied(RegistryFailed):
    """A registry wants a login, or the one that it was given is not enough."""


class Unanswered(RegistryFailed):
    """No connection, or one that broke: the same request may find an answer later."""


class NotEncrypted(Unanswered):
    """A server that was asked by TLS does not speak it."""


class TransferBroken(RegistryFailed):
    """A connection broke while a blob was sent; whoever holds it may send it from its first byte.

    Whoever raises it bounds the attempts: the last failure is another error.
    """
