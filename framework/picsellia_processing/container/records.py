"""What a build and a push leave in the processing folder, in `.pxp`, for the commands that come after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ValidationError

from picsellia_processing.container.weight import WeightBill  # noqa: TC001 - pydantic reads the annotation

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".pxp"


class Record(BaseModel):
    """Something kept as JSON in the `.pxp` of a processing folder, in a file of its kind."""

    file: ClassVar[str]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What the last command left in a processing folder; None when there was none, or it cannot be read."""
        try:
            return cls.model_validate_json((folder / FOLDER / cls.file).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, folder: Path) -> None:
        """Keep this in a processing folder, out of sight of git."""
        home = folder / FOLDER
        home.mkdir(exist_ok=True)
        (home / ".gitignore").write_text("*\n", encoding="utf-8")
        partial = home / f"{self.file}.partial"
        partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(home / self.file)


class BuiltImage(Record):
    """An image in the local Docker: `name:version`, with the `id` Docker gave it.

    `context` is the digest of what it was built from, gathered with the patterns `include`; `description` is what
    `pxp describe` printed in it.
    """

    file: ClassVar[str] = "build.json"

    name: str
    version: str
    id: str
    context: str
    include: list[str]
    description: dict[str, Any]
    bill: WeightBill

    @property
    def reference(self) -> str:
        """What Docker finds it by."""
        return f"{self.name}:{self.version}"


class PushedImage(Record):
    """An image in a registry: `image` with the registry, the version as `tag`, and the digest of its manifest.

    `context` and `include` are those of its `BuiltImage`; empty where they are not known.
    """

    file: ClassVar[str] = "image.json"

    image: str
    tag: str
    digest: str
    context: str = ""
    include: list[str] = []

    @property
    def reference(self) -> str:
        """What a container engine pulls: always these very bytes."""
        return f"{self.image}:{self.tag}@{self.digest}"
