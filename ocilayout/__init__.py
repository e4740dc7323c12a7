"""Container images as files: read, converted and merged, with no daemon and no registry.

What the command line does is here as functions; a verb is
`source → transforms → transfer → destination`:

    with open_source("app.tar") as source, open_destination("oci:layout") as destination:
        transfer(select(source, platforms=[Platform.parse("linux/arm64")]), destination)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocilayout.comparison.images import Comparison as Comparison
    from ocilayout.comparison.images import compare as compare
    from ocilayout.copy_engine import Report as Report
    from ocilayout.copy_engine import missing_blobs as missing_blobs
    from ocilayout.copy_engine import transfer as transfer
    from ocilayout.destination_options import DestinationOptions as DestinationOptions
    from ocilayout.engines.cargo import cargo_of as cargo_of
    from ocilayout.engines.fitting import fitted as fitted
    from ocilayout.engines.prediction import predict as predict
    from ocilayout.engines.table import ENGINES as ENGINES
    from ocilayout.errors import AccessDenied as AccessDenied
    from ocilayout.errors import AmbiguousName as AmbiguousName
    from ocilayout.errors import BlobNotFound as BlobNotFound
    from ocilayout.errors import CannotHold as CannotHold
    from ocilayout.errors import CompressionError as CompressionError
    from ocilayout.errors import DestinationExists as DestinationExists
    from ocilayout.errors import EngineFailed as EngineFailed
    from ocilayout.errors import ImageNotFound as ImageNotFound
    from ocilayout.errors import IntegrityError as IntegrityError
    from ocilayout.errors import InvalidArchive as InvalidArchive
    from ocilayout.errors import InvalidDigest as InvalidDigest
    from ocilayout.errors import InvalidDocument as InvalidDocument
    from ocilayout.errors import LayoutBusy as LayoutBusy
    from ocilayout.errors import NotAnImage as NotAnImage
    from ocilayout.errors import NotFound as NotFound
    from ocilayout.errors import OciLayoutError as OciLayoutError
    from ocilayout.errors import PlaceNotFound as PlaceNotFound
    from ocilayout.errors import PlatformConflict as PlatformConflict
    from ocilayout.errors import RegistryFailed as RegistryFailed
    from ocilayout.errors import TransferBroken as TransferBroken
    from ocilayout.errors import UsageError as UsageError
    from ocilayout.graph import open_verified as open_verified
    from ocilayout.graph import read_config as read_config
    from ocilayout.graph import read_document as read_document
    from ocilayout.graph import walk as walk
    from ocilayout.pick import Target as Target
    from ocilayout.pick import target as target
    from ocilayout.problems import Problem as Problem
    from ocilayout.protocols import BlobReader as BlobReader
    from ocilayout.protocols import ImageDestination as ImageDestination
    from ocilayout.protocols import ImageSource as ImageSource
    from ocilayout.recode_policy import compress_all as compress_all
    from ocilayout.recode_policy import compress_made as compress_made
    from ocilayout.rootfs.export import Exported as Exported
    from ocilayout.rootfs.export import export_file as export_file
    from ocilayout.rootfs.export import export_folder as export_folder
    from ocilayout.rootfs.export import export_tar as export_tar
    from ocilayout.rootfs.export import export_to as export_to
    from ocilayout.rootfs.export import flattened as flattened
    from ocilayout.rootfs.folder_source import Ownership as Ownership
    from ocilayout.rootfs.import_image import import_rootfs as import_rootfs
    from ocilayout.spec.annotation import AnnotationEdit as AnnotationEdit
    from ocilayout.spec.config import ImageConfig as ImageConfig
    from ocilayout.spec.descriptor import Descriptor as Descriptor
    from ocilayout.spec.digest import Digest as Digest
    from ocilayout.spec.documents import Index as Index
    from ocilayout.spec.documents import Manifest as Manifest
    from ocilayout.spec.platform import Platform as Platform
    from ocilayout.spec.reference import Reference as Reference
    from ocilayout.stores import open_destination as open_destination
    from ocilayout.stores import open_place as open_place
    from ocilayout.stores import open_source as open_source
    from ocilayout.stores import open_suspect as open_suspect
    from ocilayout.stores.in_place import edited_in_place as edited_in_place
    from ocilayout.stores.layout_gc import Garbage as Garbage
    from ocilayout.stores.layout_gc import collect_garbage as collect_garbage
    from ocilayout.transforms.annotate import annotate as annotate
    from ocilayout.transforms.attestations import without_attestations as without_attestations
    from ocilayout.transforms.combine import combine as combine
    from ocilayout.transforms.corrections import Corrections as Corrections
    from ocilayout.transforms.corrections import PlatformEdit as PlatformEdit
    from ocilayout.transforms.foreign import with_own_layers as with_own_layers
    from ocilayout.transforms.media_types import in_media_types as in_media_types
    from ocilayout.transforms.merge import merge as merge
    from ocilayout.transforms.missing import settle_missing as settle_missing
    from ocilayout.transforms.one_image import as_one_image as as_one_image
    from ocilayout.transforms.rename import rename as rename
    from ocilayout.transforms.select import select as select
    from ocilayout.transforms.tag import tag as tag
    from ocilayout.transforms.tag import untag as untag
    from ocilayout.verify import find_problems as find_problems

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
        "NotAnImage",
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
    "engines.table": ("ENGINES",),
    "engines.fitting": ("fitted",),
    "engines.prediction": ("predict",),
    "graph": ("open_verified", "read_config", "read_document", "walk"),
    "problems": ("Problem",),
    "destination_options": ("DestinationOptions",),
    "protocols": ("BlobReader", "ImageDestination", "ImageSource"),
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
    "transforms.foreign": ("with_own_layers",),
    "transforms.media_types": ("in_media_types",),
    "transforms.merge": ("merge",),
    "transforms.missing": ("settle_missing",),
    "transforms.one_image": ("as_one_image",),
    "transforms.rename": ("rename",),
    "transforms.select": ("select",),
    "transforms.tag": ("tag", "untag"),
    "verify": ("find_problems",),
}

# Constants first, as isort has it.
__all__ = sorted(
    (name for names in _HOMES.values() for name in names),
    key=lambda name: (not name.isupper(), name),
)


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(f"ocilayout.{module}"), name)
    raise AttributeError(f"module 'ocilayout' has no attribute {name!r}")
