"""Everything this package raises on purpose.

    ProcessingError                 base of all; a message says what is wrong, where, and what to do
    ├── UsageError                  wrong use, refused before any work                 (exit code 2)
    │   ├── DefinitionError         a processing that cannot be injected or loaded
    │   ├── ParameterError          unknown, mistyped or out-of-range parameters
    │   ├── FixtureError            a fixture or image folder that cannot be used
    │   └── JobError                a Job that does not fit: environment, task, target, selection, labels, model files
    ├── ResultError                 the author's function returned something it may not (exit code 1)
    ├── TooManyFailuresError        more assets failed than `max_failure_rate` allows   (exit code 1)
    ├── PlatformError               the platform cannot be reached or refuses           (exit code 3)
    ├── ImageError                  an image cannot be built or pushed                  (exit code 1)
    └── AssetError                  one asset cannot be used: it goes on the report, the others go on
        └── SkipAsset               raised by an author to leave an asset out on purpose

Exit codes of `pxp` and of a Job's container are in `ExitCode`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """What a `pxp` command, and so a container, ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PLATFORM = 3
    TERMINATED = 143


class ProcessingError(Exception):
    """Base of every error raised on purpose by this package."""

    exit_code = ExitCode.FAILED


class UsageError(ProcessingError):
    """Something was asked for in a way that cannot work. Raised before any work is done."""

    exit_code = ExitCode.USAGE


class DefinitionError(UsageError):
    """A processing is declared in a way that cannot be run.

    `mistakes` holds all of them, each with its place, so that one run shows everything there is to correct.
    """

    def __init__(self, subject: str, mistakes: Iterable[str]) -> None:
        self.subject = subject
        self.mistakes = tuple(mistakes)
        super().__init__(_listed(f"{subject} cannot be used as a processing", self.mistakes))


class ParameterError(UsageError):
    """The parameters of a Job do not fit the ones the processing declares. `mistakes` holds all of them."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(_listed("the parameters do not fit", self.mistakes))


class FixtureError(UsageError):
    """A fixture or an image folder cannot be used. `mistakes` holds all of them."""

    def __init__(self, subject: str, mistakes: Iterable[str]) -> None:
        self.subject = subject
        self.mistakes = tuple(mistakes)
        super().__init__(_listed(f"{subject} cannot be used as a fixture", self.mistakes))


class JobError(UsageError):
    """The Job, its target or its environment does not fit the processing."""


class ResultError(ProcessingError):
    """The author's function returned something it may not return. A mistake of the code, so the whole Job stops."""


class TooManyFailuresError(ProcessingError):
    """More assets failed than the Job's `max_failure_rate` allows."""


class PlatformError(ProcessingError):
    """The platform could not be reached, or refused, after every retry."""

    exit_code = ExitCode.PLATFORM


class ImageError(ProcessingError):
    """A Docker image could not be built or pushed, or is not as it has to be: Docker, a registry, a budget.

    `found` is what is wrong, `cure` what is to be done about it, where that is known.
    """

    def __init__(self, found: str, cure: str = "") -> None:
        self.found = found
        self.cure = cure
        super().__init__(f"{found}\n  cure: {cure}" if cure else found)


class AssetError(ProcessingError):
    """One asset cannot be used. Caught per asset: it is reported, and the others go on."""


class SkipAsset(AssetError):  # noqa: N818 - reads as what it does at the place where authors raise it
    """Raise it in a processing to leave the current asset out on purpose, with the reason for the report."""


def _listed(headline: str, mistakes: tuple[str, ...]) -> str:
    return headline + ":" + "".join(f"\n  - {mistake}" for mistake in mistakes)
