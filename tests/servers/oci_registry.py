"""A small OCI 1.1 registry in memory: for tests of what docker's registry does not do, or never.

with running(OciRegistry(Manners(mounts=False), gate=basic_gate({"ann": "secret"}))) as registry:
"""

from collections.abc import Callable

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from tests.servers import registry_blobs, registry_lists, registry_manifests
from tests.servers.gates import Gate, open_gate
from tests.servers.registry_content import Content, Manners, Repository
from tests.servers.site import Site

Handler = Callable[..., Response]


def hello(content: Content, request: Request) -> Response:
    """Says that this is a registry."""
    return Response("{}", content_type="application/json")


_ROUTES: tuple[tuple[str, dict[str, Handler]], ...] = (
    ("/v2/", {"GET": hello}),
    ("/v2/<path:name>/blobs/uploads/", {"POST": registry_blobs.start}),
    (
        "/v2/<path:name>/blobs/uploads/<key>",
        {
            "GET": registry_blobs.tell,
            "PATCH": registry_blobs.append,
            "PUT": registry_blobs.finish,
            "DELETE": registry_blobs.cancel,
        },
    ),
    (
        "/v2/<path:name>/blobs/<digest>",
        {"GET": registry_blobs.read, "DELETE": registry_blobs.remove},
    ),
    (
        "/v2/<path:name>/manifests/<reference>",
        {
            "GET": registry_manifests.read,
            "PUT": registry_manifests.write,
            "DELETE": registry_manifests.remove,
        },
    ),
    ("/v2/<path:name>/tags/list", {"GET": registry_lists.tags}),
    ("/v2/<path:name>/referrers/<digest>", {"GET": registry_lists.referrers}),
)
_MAP = Map(
    [
        Rule(path, methods=[method], endpoint=handler)
        for path, handlers in _ROUTES
        for method, handler in handlers.items()
    ],
    merge_slashes=False,
)


class OciRegistry(Site):
    """The registry; `content` is what it holds."""

    def __init__(self, manners: Manners | None = None, gate: Gate = open_gate) -> None:
        super().__init__()
        self.content = Content(manners or Manners())
        self.gate = gate

    def __getitem__(self, name: str) -> Repository:
        """The repository of this name."""
        return self.content.repository(name)

    def answer(self, request: Request) -> Response:
        """Let in by the gate, routed, and refused as the specification says."""
        try:
            handler, values = _MAP.bind_to_environ(request.environ).match()
            if (closed := self.gate(request, values.get("name"))) is not None:
                return closed
            response: Response = handler(self.content, request, **values)
        except HTTPException as error:
            return Response.force_type(error.get_response(request.environ), request.environ)
        return response
