"""Builds graphdet with CMake; where the system has no C++ compiler, with the one that the package ziglang brings.

pip reads this by `build-system` of pyproject.toml. All that it does not change comes from scikit-build-core's backend for setuptools.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

from scikit_build_core.setuptools import build_meta
from scikit_build_core.setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, Any] | None
COMPILERS = ("c++", "g++", "clang++", "cl")


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What pip installs for a build: CMake and Ninja where the system lacks them, and a compiler."""
    return build_meta.get_requires_for_build_wheel(config_settings) + _compiler()


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """As for a wheel."""
    return build_meta.get_requires_for_build_editable(config_settings) + _compiler()


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """A wheel of this Python; from 3.12 on one for the stable ABI, which later ones load as well."""
    _choose_compiler()
    if sys.version_info >= (3, 12):
        config_settings = {**(config_settings or {}), "--build-option": ["--py-limited-api=cp312"]}
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """The compiled module goes beside the sources."""
    _choose_compiler()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


def _has_compiler() -> bool:
    return bool(os.environ.get("CXX")) or any(shutil.which(name) for name in COMPILERS)


def _compiler() -> list[str]:
    return [] if _has_compiler() else ["ziglang>=0.13"]


def _choose_compiler() -> None:
    """Where there is none, CMake is shown small scripts that call ziglang's tools, for any processor of this kind."""
    if _has_compiler():
        return
    folder = Path(tempfile.mkdtemp(prefix="graphdet-build-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    compiler = _script(folder / "c++", "c++ -mcpu=baseline")
    os.environ["CXX"] = str(compiler)
    tools = {"CMAKE_AR": _script(folder / "ar", "ar"), "CMAKE_RANLIB": _script(folder / "ranlib", "ranlib")}
    os.environ["CMAKE_ARGS"] = " ".join([os.environ.get("CMAKE_ARGS", ""), *(f"-D{name}={path}" for name, path in tools.items())])


def _script(path: Path, command: str) -> Path:
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang {command} "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
