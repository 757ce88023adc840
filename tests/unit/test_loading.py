"""Loading a processing by name."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from picsellia_processing.errors import UsageError
from picsellia_processing.loading import load

GOOD = """
from __future__ import annotations
from picsellia_processing import Image, Rectangle, pre_annotation
@pre_annotation
def annotate(image: Image) -> list[Rectangle]:
    return []
"""
CLASS = """
from picsellia_processing import Image, Rectangle, PreAnnotation
class Base(PreAnnotation):
    def teardown(self): ...
class Find(Base):
    def process(self, image: Image) -> list[Rectangle]: ...
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., str]:
    """Load TARGET among these files: the name of the processing, or the class and message of the error."""

    def load_apart(target: str, **files: str) -> str:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        code = (
            "import sys\n"
            "from picsellia_processing.loading import load\n"
            "try: print(load(sys.argv[1]).name)\n"
            "except BaseException as error: print(type(error).__name__, error, sep=': ')\n"
        )
        command = [sys.executable, "-c", code, target]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        assert not done.stderr
        return done.stdout.strip()

    return load_apart


def test_a_folder(loaded: Callable[..., str]) -> None:
    helper = GOOD.replace("def annotate", "import helper\ndef annotate").replace(
        "@pre_annotation\nimport helper", "import helper\n@pre_annotation"
    )
    assert loaded("folder", folder__processing=helper, folder__helper="") == "annotate"


@pytest.mark.parametrize(
    "target", ["folder", "folder/", "./folder", "folder:annotate", "top:annotate", "pack.age:annotate", "pack.age"]
)
def test_targets(loaded: Callable[..., str], target: str) -> None:
    files = {"folder__processing": GOOD, "top": GOOD, "pack__INIT": "", "pack__age": GOOD}
    assert loaded(target, **files) == "annotate"


def test_a_class_is_found_and_its_base_is_not(loaded: Callable[..., str]) -> None:
    assert loaded("folder", folder__processing=CLASS) == "Find"
    assert loaded("folder:Find", folder__processing=CLASS) == "Find"
    assert "DefinitionError: Base cannot be used" in loaded("folder:Base", folder__processing=CLASS)


def test_what_is_imported_is_not_found_but_can_be_named(loaded: Callable[..., str]) -> None:
    files = {"folder__processing": "from other import annotate\n", "folder__other": GOOD}
    assert "it holds no processing" in loaded("folder", **files)
    assert loaded("folder:annotate", **files) == "annotate"


def test_two(loaded: Callable[..., str]) -> None:
    two = GOOD + GOOD.replace("from __future__ import annotations\n", "").replace("annotate(", "again(")
    said = loaded("folder", folder__processing=two)
    assert "DefinitionError" in said
    assert "it holds 2 processings; name one of folder:annotate, folder:again" in said
    assert loaded("folder:again", folder__processing=two) == "again"


def test_a_folder_of_something_else_beside_a_module_of_its_name(loaded: Callable[..., str]) -> None:
    other = GOOD.replace("def annotate", "def other")
    assert loaded("mine:annotate", mine=GOOD, mine__helper="") == "annotate"
    assert loaded("mine:other", mine=GOOD, mine__processing=other) == "other"


PLAIN = "from picsellia_processing import pre_annotation\ndef plain(): ...\n"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("folder:anotate", "UsageError: processing has no 'anotate' (did you mean 'annotate'?)"),
        ("folder:nothing", "UsageError: processing has no 'nothing'; it holds annotate"),
        ("none:pre_annotate", "UsageError: none has no 'pre_annotate'; it holds no processing"),
        ("none:plain", "found function: decorate a function with @pre_annotation"),
        ("folder:__name__", "expected a decorated function or a subclass of a task's base class, found str"),
        ("folder:Image", "expected a decorated function or a subclass of a task's base class, found type"),
        ("empty", "UsageError: empty is not a processing folder: expected processing.py in it; found none"),
        ("nowhere", "UsageError: nowhere names no processing: there is no folder 'nowhere' here and no module"),
        ("nowhere:annotate", "UsageError: nowhere:annotate names no processing"),
        ("pack.nowhere:annotate", "UsageError: pack.nowhere:annotate names no processing"),
        ("top.nowhere:annotate", "UsageError: top.nowhere:annotate names no processing"),
        ("folder/processing.py", "UsageError: folder/processing.py names no processing"),
        (".top:annotate", "UsageError: .top:annotate names no processing"),
        ("a..b", "UsageError: a..b names no processing"),
        ("none", "it holds no processing; decorate a function with @pre_annotation"),
    ],
)
def test_what_names_nothing(loaded: Callable[..., str], target: str, said: str) -> None:
    files = {
        "folder__processing": GOOD,
        "empty__other": "",
        "none": PLAIN,
        "top": GOOD,
        "pack__INIT": "",
    }
    assert said in loaded(target, **files)


def test_mistakes_are_found_when_loading(loaded: Callable[..., str]) -> None:
    said = loaded("folder", folder__processing=GOOD.replace("image: Image", "image: Image, size: int"))
    assert said.startswith("DefinitionError: annotate cannot be used as a processing:\n  - processing.py:4 annotate: ")


@pytest.mark.parametrize("target", ["folder", "broken", "pack.age:annotate", "lacking.age:annotate"])
def test_what_the_authors_module_raises_passes_through(loaded: Callable[..., str], target: str) -> None:
    broken, lacking = "raise ImportError('no CUDA here')\n", "import not_installed_at_all\n"
    files = {"folder__processing": broken, "broken": broken, "pack__INIT": broken, "pack__age": GOOD}
    said = loaded(target, **files, lacking__INIT=lacking, lacking__age=GOOD)
    assert said == (
        "ModuleNotFoundError: No module named 'not_installed_at_all'"
        if "lacking" in target
        else "ImportError: no CUDA here"
    )


@pytest.fixture
def _as_before() -> Iterator[None]:
    path = sys.path.copy()
    yield
    sys.path[:] = path
    for name in [*sys.modules]:
        if name.partition(".")[0] in {"processing", "beside_one", "beside_two", "beside"}:
            del sys.modules[name]


@pytest.mark.usefixtures("_as_before")
def test_loading_again_and_another_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "processing.py").write_text(
            "import beside_"
            + name
            + GOOD.replace("from __future__ import annotations", "").replace("annotate(", f"{name}(")
        )
        (tmp_path / name / f"beside_{name}.py").touch()
    for name in ("one", "two", "one", "one"):
        assert load(str(tmp_path / name)).name == name
    assert sys.path.count(str(tmp_path / "one")) <= 2


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("beside.py", "beside.py"),
        ("beside/__init__.py", "beside/__init__.py"),
        ("beside/inner.py", "beside/inner.py"),
        ("beside.py", "beside/__init__.py"),
        ("beside/__init__.py", "beside.py"),
    ],
)
def test_another_folder_has_its_own_modules_and_packages(tmp_path: Path, one: str, two: str) -> None:
    for name, path in {"one": one, "two": two}.items():
        file = tmp_path / name / path
        file.parent.mkdir(parents=True)
        (file.parent / "__init__.py" if file.parent.name == "beside" else file).touch()
        file.write_text(f'whose = "{name}"\n')
        imported = "beside.inner" if file.stem == "inner" else "beside"
        (tmp_path / name / "processing.py").write_text(
            f"from {imported} import whose" + GOOD.replace("from __future__ import annotations", "")
        )
    for name in ("one", "two", "one"):
        load(str(tmp_path / name))
        assert sys.modules["processing"].whose == name


@pytest.mark.usefixtures("_as_before")
def test_loading_a_folder_again_leaves_its_package_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "__init__.py").touch()
    (tmp_path / "processing.py").write_text("import beside" + GOOD.replace("from __future__ import annotations", ""))
    load(str(tmp_path))
    before = sys.modules["beside"]
    load(str(tmp_path))
    assert sys.modules["beside"] is before


def test_a_folder_without_processing_names_itself(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)):
        load(str(tmp_path))
