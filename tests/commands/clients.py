"""Clients of engines that are small programs of the tests: they keep what they get."""

import json
import os
import sys
from pathlib import Path

CLIENT = """\
#!{python}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]) + "\\n")
answers = json.loads((here / (pathlib.Path(__file__).name + ".json")).read_text())
line = " ".join(sys.argv[1:])
for start, answer in answers.items():
    if line.startswith(start):
        break
else:
    sys.exit("unknown command: " + line)
if "takes" in answer:
    os.read(0, answer["takes"])
elif "keeps" in answer:
    (here / answer["keeps"]).write_bytes(sys.stdin.buffer.read())
if "gives" in answer:
    sys.stdout.buffer.write(pathlib.Path(answer["gives"]).read_bytes())
sys.stdout.write(answer.get("says", ""))
sys.stderr.write(answer.get("complains", ""))
sys.exit(answer.get("code", 0))
"""


class Clients:
    """A folder of clients, to be the PATH of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.folder), "TMPDIR": str(self.folder)}

    def add(self, name: str, answers: dict[str, dict[str, object]]) -> None:
        """A client that answers commands by how they start; `keeps` is a file for its input."""
        program = self.folder / name
        program.write_text(CLIENT.format(python=os.path.realpath(sys.executable)))
        program.chmod(0o755)
        (self.folder / f"{name}.json").write_text(json.dumps(answers))

    def calls(self) -> list[list[str]]:
        """How the clients were called."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def add_docker(
        self, version: str = "20.10.24", store: str = "overlay2", **load: object
    ) -> None:
        """A docker on linux/amd64; `load` says what its load does beside keeping its input."""
        info = {"OSType": "linux", "Architecture": "x86_64", "DriverStatus": [["driver", store]]}
        image = [{"Id": "sha256:1", "Os": "linux", "Architecture": "amd64"}]
        self.add(
            "docker",
            {
                "version": {"says": json.dumps({"Server": {"Version": version}})},
                "info": {"says": json.dumps(info)},
                "image inspect": {"says": json.dumps(image)},
                "load": {"keeps": "got.tar", "says": "Loaded image: hello:1\n", **load},
            },
        )

    def add_saving(self, archive: Path, **save: object) -> None:
        """A docker that saves this archive; `save` says what else it does then."""
        self.add(
            "docker",
            {
                "version": {"says": '{"Server": {"Version": "20.10.24"}}'},
                "info": {"says": '{"OSType": "linux", "Architecture": "x86_64"}'},
                "save": {"gives": str(archive), **save},
            },
        )

    def add_ctr(self, *namespaces: str) -> None:
        """A ctr of a containerd with these namespaces."""
        self.add(
            "ctr",
            {
                "version": {"says": "Client:\n  Version: 1.7\n\nServer:\n  Version: 1.7.1\n"},
                "namespaces": {"says": "\n".join(namespaces)},
                "--namespace k8s.io images import": {"keeps": "got.tar"},
                "--namespace lab images import": {"keeps": "got.tar"},
                "images import": {"keeps": "got.tar"},
            },
        )
