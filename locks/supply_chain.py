"""What graphdet is built from: lock files with hashes, digests of the server's jars, licences, a bill of materials; each by one command.

python locks/supply_chain.py lock            # locks/*.txt anew from pyproject.toml and constraints.txt; needs uv
python locks/supply_chain.py jars            # neo4j/jars-*.sha256 anew from the jars that `graphdet db up` has fetched
python locks/supply_chain.py licences        # refuses a licence of what is installed that nobody has looked at
python locks/supply_chain.py sbom > sbom.json  # CycloneDX 1.6, of the lock for users and of the jars
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
OLDEST_PYTHON = "3.11"
# Lock → extras of graphdet; the build's own requirements have a lock, too.
EXTRAS: dict[str, tuple[str, ...]] = {"run": (), "light": ("light",), "all": ("all",), "development": ("development",)}

BUILD_TOOLS = ("cmake>=3.20", "ninja>=1.5", "ziglang>=0.13")  # that build_backend/ asks for where the system lacks them

# Licences that may be used and handed on with a program of any licence, by what their names begin with or are.
FREE = re.compile(
    r"(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Python-2\.0|0BSD|Zlib|Unlicense|The Unlicense|HPND|CNRI|CC0|MPL-2\.0|NCSA|BSL-1\.0"
    r"|Mozilla Public License 2\.0|(3-Clause|2-Clause|New|Simplified|Modified) BSD|Bitstream-Vera|libtiff|Dual License|DFSG approved)",
    re.IGNORECASE,
)
# Looked at one by one, with what was found.
LOOKED_AT = {
    "nvidia-": "NVIDIA's own licence: may be used and is not handed on; only torch on Linux wants it, and no graphdet command needs a GPU",
    "cuda-": "as nvidia-",
    "triton": "MIT; its metadata does not say so",
    "tqdm": "MPL-2.0 and MIT",
    "certifi": "MPL-2.0: a list of certificates, unchanged",
    "pathspec": "MPL-2.0, of mypy alone",
    "hypothesis": "MPL-2.0, of tests alone",
    "axe-playwright-python": "MIT, which its metadata does not say; the axe that it brings is MPL-2.0; of tests alone",
    "opencv-python-headless": "Apache-2.0; its wheels bring FFmpeg (LGPL-2.1) as libraries of their own, unchanged; of the extra ocr alone",
    "orjson": "MPL-2.0 or MIT",
    "pyclipper": "MIT, which its metadata calls OSI approved first; of the extra ocr alone",
    "graphdet": "ours",
}
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; (.*?))?(?: \\)?$")


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path) -> dict[str, tuple[str, str, list[str]]]:
    """Package → version, marker, and SHA-256 of its files."""
    found: dict[str, tuple[str, str, list[str]]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        match = LOCKED.match(line)
        if match:
            name = normal(match[1])
            found[name] = (match[2], (match[3] or "").removesuffix(" \\"), [])
        elif name and "--hash=sha256:" in line:
            found[name][2].append(line.split("sha256:")[1].split()[0])
    return found


def make_locks() -> None:
    """All lock files, for every platform; versions of constraints.txt hold."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("uv is needed to make locks: pip install uv")
    build = LOCKS / "build.in"
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    build.write_text("\n".join([*requires, *BUILD_TOOLS]) + "\n", encoding="utf-8")
    common = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    common += ["--no-emit-index-url", "--constraint", str(ROOT / "constraints.txt")]
    try:
        for name, extras in EXTRAS.items():
            asked = [part for extra in extras for part in ("--extra", extra)]
            _run([uv, "pip", "compile", "pyproject.toml", *asked, *common, "--output-file", str(LOCKS / f"{name}.txt")])
        _run([uv, "pip", "compile", str(build), *common, "--output-file", str(LOCKS / "build.txt")])
    finally:
        build.unlink()


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603


def write_jar_digests() -> None:
    """One file for each line of releases, from the folders of jars that were fetched for this pom.xml."""
    digest = hashlib.sha256((ROOT / "neo4j" / "pom.xml").read_bytes()).hexdigest()[:8]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graphdet"
    versions = re.findall(
        r"<id>(\w+)</id>\s*<properties>\s*<neo4j.version>([^<]+)<", (ROOT / "neo4j" / "pom.xml").read_text(encoding="utf-8")
    )
    for line, version in versions:
        folder = cache / f"neo4j-{version}-{digest}"
        if not folder.is_dir():
            sys.exit(f"{folder}: no jars; `graphdet db up --line {line}` fetches them.")
        rows = [f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(folder.glob("*.jar"))]
        (ROOT / "neo4j" / f"jars-{line}.sha256").write_text("".join(rows), encoding="utf-8")


def licences_of(package: metadata.Distribution) -> list[str]:
    """What a package says of its licence, the most exact first."""
    told = package.metadata
    classified = [one.rsplit(" :: ", 1)[-1] for one in told.get_all("Classifier") or [] if one.startswith("License ::")]
    exact = told.get("License-Expression")
    free_text = (told.get("License") or "").strip().splitlines()[:1]
    return [exact] if exact else classified or free_text


def closure(root: str) -> dict[str, metadata.Distribution]:
    """What is installed of all that a package wants, its extras' and theirs; what is not for this machine is not installed."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [root]
    while waiting:
        name = normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        waiting += [re.split(r"[\s\[<>=!~;(]", wanted, maxsplit=1)[0] for wanted in found[name].requires or []]
    return found


def strange_licences(packages: dict[str, metadata.Distribution]) -> Iterator[str]:
    """Each package whose licence is neither known to be free nor looked at."""
    for name, package in sorted(packages.items()):
        told = licences_of(package)
        if any(name.startswith(begin) for begin in LOOKED_AT) or (told and all(_is_free(one) for one in told)):
            continue
        yield f"{name} {package.version}: {', '.join(told) or 'says nothing'}"


def _is_free(expression: str) -> bool:
    """Of 'A OR B' one must be free, of 'A AND B' both; an exception to a licence takes nothing away."""
    parts = [re.sub(r"\s+WITH\s+.*|[()]", "", part).strip() for part in re.split(r"\s+AND\s+", expression)]
    return all(any(FREE.match(choice.strip()) for choice in re.split(r"\s+OR\s+", part)) for part in parts)


def check_licences() -> None:
    packages = closure("graphdet")
    strange = list(strange_licences(packages))
    if strange:
        sys.exit("licences that nobody has looked at:\n" + "\n".join(strange))
    print(f"{len(packages)} packages, all of free licences or looked at.")  # noqa: T201


def bill_of_materials() -> dict[str, Any]:
    """What a user installs and what `graphdet db up` fetches, with digests; CycloneDX 1.6."""
    components = [
        {
            "type": "library", "name": name, "version": version,
            "purl": f"pkg:pypi/{name}@{version}", "bom-ref": f"pkg:pypi/{name}@{version}",
            "hashes": [{"alg": "SHA-256", "content": one} for one in hashes],
            "properties": [{"name": "marker", "value": marker}] if marker else [],
        }
        for name, (version, marker, hashes) in read_lock(LOCKS / "all.txt").items()
    ]  # fmt: skip
    for line in sorted((ROOT / "neo4j").glob("jars-*.sha256")):
        for row in line.read_text(encoding="utf-8").splitlines():
            content, name = row.split("  ")
            components.append({
                "type": "library", "name": name, "bom-ref": f"{line.stem}/{name}", "hashes": [{"alg": "SHA-256", "content": content}],
                "properties": [{"name": "of", "value": f"Neo4j server, {line.stem.removeprefix('jars-')}"}],
            })  # fmt: skip
    version = re.search(r'__version__ = "([^"]+)"', (ROOT / "graphdet" / "__init__.py").read_text(encoding="utf-8"))
    about = {
        "type": "application",
        "name": "graphdet",
        "version": version[1] if version else "",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": about}, "components": components}


if __name__ == "__main__":
    does = {
        "lock": make_locks,
        "jars": write_jar_digests,
        "licences": check_licences,
        "sbom": lambda: print(json.dumps(bill_of_materials(), indent=1)),  # noqa: T201
    }
    if len(sys.argv) != 2 or sys.argv[1] not in does:
        sys.exit(__doc__)
    does[sys.argv[1]]()
