"""Whether podman takes an image: what containers/image parses of manifest and config.

It looks at no diff ids where an OCI manifest leads to layers, nor at the media types of those.
"""

from ocilayout.engines.member import ConfigFacts, Member
from ocilayout.engines.questions import Refusal
from ocilayout.spec import media_types

_MIB = 1 << 20
_MOST = 4 * _MIB
_LIMIT = "containers/image v5.23:internal/iolimits/iolimits.go (MaxConfigBodySize)"
_SCHEMA_2 = "containers/image v5.23:manifest/docker_schema2.go; seen with podman 4.3.1"
_OCI = "containers/image v5.23:manifest/oci.go; seen with podman 4.3.1"
_ARCHIVE = "containers/image v5.23:docker/internal/tarfile/src.go; seen with podman 4.3.1"
_DOCKER_LAYERS = frozenset(
    f"application/vnd.docker.image.rootfs.{kind}.tar{suffix}"
    for kind in ("diff", "foreign.diff")
    for suffix in ("", ".gzip")
)


def check_listed(member: Member) -> None:
    """Raises Refusal where podman does not take an image of a layout or directory."""
    if member.is_docker:
        others = [kind for kind in member.layer_types if kind not in _DOCKER_LAYERS]
        if others:
            raise Refusal(
                f"its manifest is Docker's and has a layer of type {others[0]}, which is not "
                "(--media-types makes all of one family)",
                _SCHEMA_2,
            )
    elif member.config_type != media_types.OCI_CONFIG:
        raise Refusal(f"its config is of type {member.config_type}: no image to podman", _OCI)
    if member.config is not None:
        _check_config(member.config, is_docker=member.is_docker)


def check_saved(member: Member) -> None:
    """Raises Refusal where podman does not take an image of manifest.json."""
    config = member.config
    if config is None:
        return
    _check_config(config, is_docker=True)
    if config.diff_ids is None:
        raise Refusal("its config has no rootfs", _ARCHIVE)
    if config.diff_ids != member.layers:
        raise Refusal(f"it has {member.layers} layers and {config.diff_ids} diff ids", _ARCHIVE)


def _check_config(config: ConfigFacts, *, is_docker: bool) -> None:
    if config.size > _MOST:
        raise Refusal(f"its config is larger than {_MOST // _MIB} MiB", _LIMIT)
    # What is Docker's is decoded as such, and then once more, for what podman keeps of it.
    problem = (config.problems["docker"] if is_docker else None) or config.problems["oci"]
    if problem is not None:
        raise Refusal(f"Go cannot decode its config: {problem}", _SCHEMA_2 if is_docker else _OCI)
