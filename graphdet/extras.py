"""What only some jobs need: each extra's packages, whether they are installed, and the line that says what to install."""

from __future__ import annotations

from importlib.util import find_spec

from graphdet.errors import MissingExtra

# Extra → what it brings, by the name that is imported, what tells most of it first; pyproject.toml says the same.
EXTRAS = {
    "learn": ("torch", "torch_geometric", "lightgbm", "matplotlib"),
    "report": ("bokeh", "networkx", "xlsxwriter"),
    "neo4j": ("neo4j",),
    "console": ("h11", "jinja2", "starlette", "uvicorn"),
    "watch": ("confluent_kafka", "prometheus_client", "starlette", "uvicorn"),
    "ocr": ("rapidocr",),
    "lab": ("networkit", "optuna", "pandas", "sklearn", "tensorboard"),
}


def lacks(extra: str) -> str:
    """The first package of an extra that is not installed, or ''; nothing is imported."""
    return next((package for package in EXTRAS[extra] if not _is_installed(package)), "")


def need(extra: str, job: str) -> None:
    """To be called before the work begins.

    Args:
        extra: what the job needs.
        job: its name, for the complaint.

    Raises:
        MissingExtra: a package of the extra is not installed.
    """
    package = lacks(extra)
    if package:
        raise MissingExtra(job, package, extra)


def missing_extra(error: ModuleNotFoundError) -> MissingExtra | None:
    """The complaint about a package that an import did not find, if it is one of an extra's."""
    package = (error.name or "").split(".")[0]
    return next((MissingExtra("this", package, extra) for extra, packages in EXTRAS.items() if package in packages), None)


def _is_installed(package: str) -> bool:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None  # a folder of that name is no package: the project's own is called neo4j
