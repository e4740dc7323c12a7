import json
from base64 import b64encode

import pytest

from ocilayout.spec.statements import Statement, may_be_statement, statement_in, unread_statement
from tests.attestations import DSSE, IN_TOTO, make_statement
from tests.images import Made, encode, make_blob

SLSA_0, SLSA_1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
SPDX, CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"


def read(made: Made) -> Statement:
    return statement_in(made.descriptor, made.contents[made.descriptor.digest])


def said(predicate_type: str, predicate: object) -> dict[str, object]:
    return dict(read(make_statement(predicate_type, predicate)).summary)


def test_provenance_of_buildkit_before_2025() -> None:
    predicate = {
        "builder": {"id": "https://ci.example/1"},
        "buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {
            "configSource": {"uri": "https://git.example/app.git", "entryPoint": "Dockerfile"}
        },
        "materials": [{"uri": "pkg:docker/alpine"}, {"uri": "pkg:docker/golang"}],
        "metadata": {"buildStartedOn": "2024-01-02T03:04:05Z", "buildFinishedOn": "2024-01-03"},
    }
    assert said(SLSA_0, predicate) == {
        "builder": "https://ci.example/1",
        "build_type": "https://mobyproject.org/buildkit@v1",
        "source": "https://git.example/app.git",
        "entry_point": "Dockerfile",
        "materials": 2,
        "started": "2024-01-02T03:04:05Z",
        "finished": "2024-01-03",
    }


def test_provenance_of_buildkit_today() -> None:
    predicate = {
        "buildDefinition": {
            "buildType": "https://example/type",
            "externalParameters": {"configSource": {"uri": "https://git.example", "path": "D"}},
            "resolvedDependencies": [{}],
        },
        "runDetails": {
            "builder": {"id": ""},
            "metadata": {"startedOn": "2026-01-01T00:00:00Z", "finishedOn": "2026-01-01T00:00:01Z"},
        },
    }
    # A builder that has no name is none.
    assert said(SLSA_1, predicate) == {
        "build_type": "https://example/type",
        "source": "https://git.example",
        "entry_point": "D",
        "materials": 1,
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:00:01Z",
    }


def test_provenance_of_a_workflow() -> None:
    workflow = {"repository": "https://github.com/a/b", "path": ".github/workflows/x.yml"}
    predicate = {"buildDefinition": {"externalParameters": {"workflow": workflow}}}
    assert said(SLSA_1, predicate) == {
        "source": "https://github.com/a/b",
        "entry_point": ".github/workflows/x.yml",
        "materials": 0,
    }


SPDX_DOCUMENT = {"spdxVersion": "SPDX-2.3", "name": "app", "packages": [{}, {}, {}]}


@pytest.mark.parametrize("predicate", [SPDX_DOCUMENT, {"Data": SPDX_DOCUMENT}])
def test_spdx(predicate: object) -> None:
    assert said(SPDX, predicate) == {"format": "SPDX-2.3", "name": "app", "packages": 3}


def test_cyclonedx() -> None:
    component = {"name": "app", "version": "1.2"}
    predicate = {"specVersion": "1.6", "metadata": {"component": component}, "components": [{}]}
    assert said(f"{CYCLONEDX}/v1.6", predicate) == {
        "format": "CycloneDX-1.6",
        "name": "app",
        "version": "1.2",
        "packages": 1,
    }


@pytest.mark.parametrize("media_type", ["application/spdx+json", "text/spdx+json"])
def test_an_sbom_without_a_statement_around_it(media_type: str) -> None:
    found = read(make_blob(media_type, encode(SPDX_DOCUMENT)))
    assert (found.predicate_type, found.summary["packages"]) == (SPDX, 3)


def test_other_predicates_have_a_type_alone() -> None:
    found = read(make_statement("https://example/vuln", {"name": "x"}))
    assert found == Statement("https://example/vuln")


def test_an_envelope_is_opened() -> None:
    found = read(make_statement(SPDX, SPDX_DOCUMENT, DSSE))
    assert found.signed
    assert found.summary["name"] == "app"


def test_a_bundle_is_opened() -> None:
    statement = make_statement(SPDX, SPDX_DOCUMENT, DSSE)
    envelope = json.loads(statement.contents[statement.descriptor.digest])
    bundle = make_blob(
        "application/vnd.dev.sigstore.bundle.v0.3+json", encode({"dsseEnvelope": envelope})
    )
    assert may_be_statement(bundle.descriptor)
    assert read(bundle).predicate_type == SPDX


@pytest.mark.parametrize("annotation", ["in-toto.io/predicate-type", "predicateType"])
@pytest.mark.parametrize(
    "raw",
    [
        b"no JSON",
        b"[]",
        b"{}",
        encode({"payload": "!"}),
        encode({"payload": b64encode(b"no JSON").decode()}),
        encode({"predicateType": 7, "predicate": []}),
    ],
)
def test_what_is_no_statement_is_what_its_annotation_says(raw: bytes, annotation: str) -> None:
    made = make_blob(IN_TOTO, raw).annotated({annotation: "https://example/x"})
    assert read(made) == unread_statement(made.descriptor) == Statement("https://example/x")


@pytest.mark.parametrize("predicate_type", [SLSA_0, SLSA_1, SPDX, CYCLONEDX])
@pytest.mark.parametrize("value", [None, 7, "x", [], [[]], {}])
def test_any_shape_of_predicate_is_taken(predicate_type: str, value: object) -> None:
    keys = ("builder", "buildDefinition", "runDetails", "metadata", "Data", "name", "packages")
    for predicate in (value, dict.fromkeys(keys, value), {"builder": {"id": value}}):
        assert read(make_statement(predicate_type, predicate)).predicate_type == predicate_type


def test_a_layer_of_files_is_no_statement() -> None:
    made = make_blob("application/vnd.oci.image.layer.v1.tar", b"")
    assert not may_be_statement(made.descriptor)
