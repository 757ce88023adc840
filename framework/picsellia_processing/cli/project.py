"""The project that TARGET belongs to, under the name TARGET has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from picsellia_processing.cli.target import folder_of, target_name
from picsellia_processing.place import is_folder
from picsellia_processing.project import read_project

if TYPE_CHECKING:
    from picsellia_processing.project import Project


def project_of(target: str) -> Project:
    """What the `pyproject.toml` of TARGET says; TARGET itself gives the name where the file does not.

    It lies in the processing folder, or beside the module. TARGET with an attribute is one of several that share it, so
    that the name is TARGET's own, and the description its function's.

    Raises:
        DefinitionError: the file cannot be read, or holds something wrong. All mistakes at once.
    """
    project = read_project(folder_of(target))
    if not is_folder(target):
        project = replace(project, name="", description="")
    return replace(project, name=project.name or target_name(target).replace("_", "-"))
