"""What an image holds, as a CycloneDX document: the packages of Debian and of Python, with versions and licences.

The image is asked by its own Python, because it has no tool of its own. Registries make such a document too
(``sbom: true`` in the release); this one needs none.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

# Prints a JSON list of kind, name, version and licence; no more than the standard library is there.
SCRIPT = """
import importlib.metadata, json, pathlib
found = []
for package in importlib.metadata.distributions():
    meta = package.metadata
    found.append(["pypi", meta["Name"], package.version, meta.get("License-Expression") or ""])
status = pathlib.Path("/var/lib/dpkg/status")
for paragraph in status.read_text().split("\\n\\n") if status.exists() else ():
    fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
    if "installed" in fields.get("Status", ""):
        found.append(["deb", fields["Package"], fields["Version"], ""])
print(json.dumps(found))
"""


@dataclass(frozen=True, order=True)
class Package:
    """One package.

    Attributes:
        kind: ``pypi`` or ``deb``, as package URLs call it.
        name: its name, in lower case and with dashes.
        version: its version.
        licence: an SPDX expression; empty if it declares none.
    """

    kind: str
    name: str
    version: str
    licence: str = ""

    @property
    def url(self) -> str:
        """Its package URL (https://github.com/package-url/purl-spec)."""
        namespace = "debian/" if self.kind == "deb" else ""
        return f"pkg:{self.kind}/{namespace}{quote(self.name)}@{quote(self.version)}"


def packages(run: Callable[[Sequence[str]], str]) -> list[Package]:
    """The packages of an image, sorted; ``run`` runs a command in it and returns what it prints."""
    listed: list[list[str]] = json.loads(run(["python", "-c", SCRIPT]))
    return sorted(
        Package(kind, re.sub(r"[-_.]+", "-", name).lower() if kind == "pypi" else name, version, licence)
        for kind, name, version, licence in listed
    )


def cyclonedx(name: str, contents: Sequence[Package], properties: Mapping[str, str]) -> dict[str, Any]:
    """The document (https://cyclonedx.org/docs/1.6/json)."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "name": name,
                "properties": [{"name": key, "value": value} for key, value in sorted(properties.items())],
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": package.url,
                "name": package.name,
                "version": package.version,
                "purl": package.url,
                **({"licenses": [{"expression": package.licence}]} if package.licence else {}),
            }
            for package in contents
        ],
    }
