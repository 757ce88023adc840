from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from picsellia_processing.container.context_folder import gather
from picsellia_processing.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "processing"
    folder.mkdir()
    for name in ("Dockerfile", "processing.py"):
        (folder / name).write_text(name)
    return folder


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("-")


def test_only_what_runs_is_gathered(folder):
    put(folder, "more/code.py", "requirements.txt", ".git/HEAD", "fixture/a.png", "tests/test_a.py", "README.md")
    put(
        folder,
        "__pycache__/a.pyc",
        "more/__pycache__/a.pyc",
        ".venv/bin/python",
        "pxp-out/report.html",
        ".pxp/build.json",
    )
    assert sorted(gather(folder).files) == ["more/code.py", "processing.py", "requirements.txt"]


@pytest.mark.parametrize(
    "secret",
    [
        ".env", ".env.local", ".envrc", "deep/.env", "prod.env", "server.pem", "deep/a.key", "a.jks", "id_rsa",
        "id_ed25519.pub", ".netrc", ".aws/credentials", ".kube/config", ".pypirc", "pip.conf", ".git-credentials",
        "credentials.json", "service-account-1.json", "secrets.yaml",
    ],
)  # fmt: skip
def test_no_secret_is_gathered_unless_it_is_named(folder, secret):
    put(folder, secret)
    assert sorted(gather(folder).files) == ["processing.py"]
    assert secret in gather(folder, [secret]).files


def test_the_authors_dockerignore_has_the_last_word_but_for_include(folder):
    put(folder, "fixture/a.png", "fixture/b.png", "data/a.bin")
    (folder / ".dockerignore").write_text("\ufeffdata\n!fixture/a.png\n")
    assert sorted(gather(folder).files) == ["fixture/a.png", "processing.py"]
    assert sorted(gather(folder, ["data"]).files) == ["data/a.bin", "fixture/a.png", "processing.py"]


def test_links_are_followed_to_files_and_folders_outside(folder, tmp_path):
    put(tmp_path, "siblings/a.py", "siblings/deep/b.py", "siblings/.env")
    (folder / "a.py").symlink_to("../siblings/a.py")
    (folder / "siblings").symlink_to("../siblings")
    copied = tmp_path / "copied"
    copied.mkdir()
    gather(folder).copy_to(copied, epoch=315532800)
    assert sorted(str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()) == [
        "a.py", "processing.py", "siblings/a.py", "siblings/deep/b.py",
    ]  # fmt: skip
    assert not [path for path in copied.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize(
    ("link", "target", "said"),
    [
        ("a.py", "nowhere.py", "leads nowhere"),
        ("loop", ".", "no end"),
        ("loop", "..", "no end"),
        ("settings.txt", "../.env", "secret"),
        ("login.txt", "../.aws/credentials", "secret"),
        ("logins", "../.aws", "secret"),
    ],
)
def test_links_that_cannot_be_followed_are_refused(folder, tmp_path, link, target, said):
    put(tmp_path, ".env", ".aws/credentials")
    (folder / link).symlink_to(target)
    with pytest.raises(UsageError, match=said):
        gather(folder)


def test_where_the_folder_itself_lies_says_nothing_of_its_links(tmp_path):
    folder = tmp_path / ".envs" / "processing"
    put(folder, "Dockerfile", "processing.py", "a.py", "../sibling/b.py")
    (folder / "c.py").symlink_to("a.py")
    (folder / "d.py").symlink_to("../sibling/b.py")
    assert sorted(gather(folder).files) == ["a.py", "c.py", "d.py", "processing.py"]


def test_folders_that_link_to_each_other_are_refused(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (folder / "there").symlink_to(other)
    (other / "back").symlink_to(folder)
    with pytest.raises(UsageError, match="no end"):
        gather(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_unicode_is_refused_and_may_be_left_out(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).touch()
    with pytest.raises(UsageError, match=r"holds 'caf.*\.txt', which is no Unicode"):
        gather(folder)
    (folder / ".dockerignore").write_text("caf*\n")
    assert sorted(gather(folder).files) == ["processing.py"]


def test_a_dockerignore_that_is_no_text_is_refused(folder):
    (folder / ".dockerignore").write_bytes(b"\xff\xfe*\n")
    with pytest.raises(UsageError, match=r"\.dockerignore is no text in UTF-8"):
        gather(folder)


def test_copies_do_not_tell_who_copied_and_when(folder, tmp_path):
    put(folder, "run.sh", "deep/a.py")
    (folder / "run.sh").chmod(0o700)
    (folder / "processing.py").chmod(0o600)
    (folder / "deep").chmod(0o700)
    copied = tmp_path / "copied"
    copied.mkdir(mode=0o700)
    gather(folder).copy_to(copied, epoch=315532800)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (copied, *copied.rglob("*"))}
    assert modes == {
        "copied": "0o755", "deep": "0o755", "run.sh": "0o755",
        "processing.py": "0o644", "a.py": "0o644",
    }  # fmt: skip
    assert {path.stat().st_mtime for path in (copied, *copied.rglob("*"))} == {315532800}


def test_the_digest_changes_with_content_names_modes_and_the_dockerfile_alone(folder):
    digests = [gather(folder).digest()]
    os.utime(folder / "processing.py", (1, 1))
    put(folder, "tests/test_a.py")
    assert gather(folder).digest() == digests[0]
    (folder / "processing.py").write_text("other")
    digests.append(gather(folder).digest())
    (folder / "processing.py").chmod(0o755)
    digests.append(gather(folder).digest())
    (folder / "processing.py").rename(folder / "other.py")
    digests.append(gather(folder).digest())
    (folder / "Dockerfile").write_text("other")
    digests.append(gather(folder).digest())
    assert len(set(digests)) == 5


def test_a_folder_without_a_dockerfile_is_refused(folder):
    (folder / "Dockerfile").unlink()
    with pytest.raises(UsageError, match="there is no Dockerfile"):
        gather(folder)
