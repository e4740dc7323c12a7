"""Container images as files: read, converted and merged, with no daemon and no registry.

What the command line does is here as functions; a verb is
`source → transforms → transfer → destination`:

    with open_source("app.tar") as source, open_destination("oci:layout") as destination:
        transfer(select(source, platforms=[Platform.parse("linux/arm64")]), destination)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocilayout.comparison.images import Comparison, compare
    from ocilayout.copy_engine import Report, missing_blobs, transfer
    from ocilayout.engines.cargo import cargo_of
    from ocilayout.engines.facts import ENGINES
    from ocilayout.engines.fitting import fitted
    from ocilayout.engines.prediction import predict
    from ocilayout.errors import (
        AccessDenied,
        AmbiguousName,
        BlobNotFound,
        CannotHold,
        CompressionError,
        DestinationExists,
        EngineFailed,
        ImageNotFound,
        IntegrityError,
        InvalidArchive,
        InvalidDigest,
        InvalidDocument,
        LayoutBusy,
        NotFound,
        OciLayoutError,
        PlaceNotFound,
        PlatformConflict,
        RegistryFailed,
        TransferBroken,
        UsageError,
    )
    from ocilayout.graph import open_verified, read_config, read_document, walk
    from ocilayout.pick import Target, target
    from ocilayout.problems import Problem
    from ocilayout.protocols import (
        BlobReader,
        DestinationOptions,
        ImageDestination,
        ImageSource,
    )
    from ocilayout.recode_policy import compress_all, compress_made
    from ocilayout.rootfs.export import (
        Exported,
        export_file,
        export_folder,
        export_tar,
        export_to,
        flattened,
    )
    from ocilayout.rootfs.folder_source import Ownership
    from ocilayout.rootfs.import_image import import_rootfs
    from ocilayout.spec.annotation import AnnotationEdit
    from ocilayout.spec.config import ImageConfig
    from ocilayout.spec.descriptor import Descriptor
    from ocilayout.spec.digest import Digest
    from ocilayout.spec.documents import Index, Manifest
    from ocilayout.spec.platform import Platform
    from ocilayout.spec.reference import Reference
    from ocilayout.stores import open_destination, open_place, open_source, open_suspect
    from ocilayout.stores.in_place import edited_in_place
    from ocilayout.stores.layout_gc import Garbage, collect_garbage
    from ocilayout.transforms.annotate import annotate
    from ocilayout.transforms.attestations import without_attestations
    from ocilayout.transforms.combine import combine
    from ocilayout.transforms.corrections import Corrections, PlatformEdit
    from ocilayout.transforms.media_types import in_media_types
    from ocilayout.transforms.merge import merge
    from ocilayout.transforms.missing import settle_missing
    from ocilayout.transforms.rename import rename
    from ocilayout.transforms.select import select
    from ocilayout.transforms.tag import tag, untag
    from ocilayout.verify import find_problems

__version__ = "0.1.0"

# Where each public name lives. It is imported when it is first used, since most runs of the
# command line need few of them, and start-up counts.
_HOMES = {
    "errors": (
        "AccessDenied",
        "AmbiguousName",
        "BlobNotFound",
        "CannotHold",
        "CompressionError",
        "DestinationExists",
        "EngineFailed",
        "ImageNotFound",
        "IntegrityError",
        "InvalidArchive",
        "InvalidDigest",
        "InvalidDocument",
        "LayoutBusy",
        "NotFound",
        "OciLayoutError",
        "PlaceNotFound",
        "PlatformConflict",
        "RegistryFailed",
        "TransferBroken",
        "UsageError",
    ),
    "comparison.images": ("Comparison", "compare"),
    "engines.cargo": ("cargo_of",),
    "engines.facts": ("ENGINES",),
    "engines.fitting": ("fitted",),
    "engines.prediction": ("predict",),
    "graph": ("open_verified", "read_config", "read_document", "walk"),
    "problems": ("Problem",),
    "protocols": ("BlobReader", "DestinationOptions", "ImageDestination", "ImageSource"),
    "rootfs.export": (
        "Exported",
        "export_file",
        "export_folder",
        "export_tar",
        "export_to",
        "flattened",
    ),
    "rootfs.folder_source": ("Ownership",),
    "rootfs.import_image": ("import_rootfs",),
    "recode_policy": ("compress_all", "compress_made"),
    "spec.config": ("ImageConfig",),
    "spec.descriptor": ("Descriptor",),
    "spec.digest": ("Digest",),
    "spec.documents": ("Index", "Manifest"),
    "spec.platform": ("Platform",),
    "spec.reference": ("Reference",),
    "pick": ("Target", "target"),
    "spec.annotation": ("AnnotationEdit",),
    "stores.in_place": ("edited_in_place",),
    "stores": ("open_destination", "open_place", "open_source", "open_suspect"),
    "stores.layout_gc": ("Garbage", "collect_garbage"),
    "copy_engine": ("Report", "missing_blobs", "transfer"),
    "transforms.annotate": ("annotate",),
    "transforms.attestations": ("without_attestations",),
    "transforms.combine": ("combine",),
    "transforms.corrections": ("Corrections", "PlatformEdit"),
    "transforms.media_types": ("in_media_types",),
    "transforms.merge": ("merge",),
    "transforms.missing": ("settle_missing",),
    "transforms.rename": ("rename",),
    "transforms.select": ("select",),
    "transforms.tag": ("tag", "untag"),
    "verify": ("find_problems",),
}

__all__ = [
    "ENGINES",
    "AccessDenied",
    "AmbiguousName",
    "AnnotationEdit",
    "BlobNotFound",
    "BlobReader",
    "CannotHold",
    "Comparison",
    "CompressionError",
    "Corrections",
    "Descriptor",
    "DestinationExists",
    "DestinationOptions",
    "Digest",
    "EngineFailed",
    "Exported",
    "Garbage",
    "ImageConfig",
    "ImageDestination",
    "ImageNotFound",
    "ImageSource",
    "Index",
    "IntegrityError",
    "InvalidArchive",
    "InvalidDigest",
    "InvalidDocument",
    "LayoutBusy",
    "Manifest",
    "NotFound",
    "OciLayoutError",
    "Ownership",
    "PlaceNotFound",
    "Platform",
    "PlatformConflict",
    "PlatformEdit",
    "Problem",
    "Reference",
    "RegistryFailed",
    "Report",
    "Target",
    "TransferBroken",
    "UsageError",
    "annotate",
    "cargo_of",
    "collect_garbage",
    "combine",
    "compare",
    "compress_all",
    "compress_made",
    "edited_in_place",
    "export_file",
    "export_folder",
    "export_tar",
    "export_to",
    "find_problems",
    "fitted",
    "flattened",
    "import_rootfs",
    "in_media_types",
    "merge",
    "missing_blobs",
    "open_destination",
    "open_place",
    "open_source",
    "open_suspect",
    "open_verified",
    "predict",
    "read_config",
    "read_document",
    "rename",
    "select",
    "settle_missing",
    "tag",
    "target",
    "transfer",
    "untag",
    "walk",
    "without_attestations",
]


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(f"ocilayout.{module}"), name)
    raise AttributeError(f"module 'ocilayout' has no attribute {name!r}")
