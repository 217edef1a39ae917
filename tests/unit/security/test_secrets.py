"""The key of the installation and what it seals."""

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import Bug, ConfigInvalid
from engine.security.secrets import KEY_NAME, MasterKey, SecretBox, open_key

ROW = {"workspace_id": "main", "secret_id": "secret_1", "version": 1}


@pytest.fixture
def box() -> SecretBox:
    return SecretBox(MasterKey(b"k" * 32))


def test_a_secret_comes_back(box: SecretBox) -> None:
    for value in ("sk-abc", "", "ключ 🔑", "x" * 100_000):
        assert box.open(box.seal(value, **ROW), **ROW) == value


def test_the_same_secret_never_looks_the_same(box: SecretBox) -> None:
    sealed = [box.seal("sk-abc", **ROW) for _ in range(50)]
    assert len({s.nonce for s in sealed}) == len({s.ciphertext for s in sealed}) == 50
    assert all(len(s.nonce) == 12 and b"sk-abc" not in s.ciphertext for s in sealed)


@pytest.mark.parametrize("elsewhere", [{"workspace_id": "other"}, {"secret_id": "secret_2"}, {"version": 2}])
def test_a_ciphertext_that_was_put_into_another_row_is_refused(box: SecretBox, elsewhere: dict[str, object]) -> None:
    sealed = box.seal("sk-abc", **ROW)
    with pytest.raises(ConfigInvalid, match="behind Signalbox's back"):
        box.open(sealed, **{**ROW, **elsewhere})


def test_an_id_that_could_pass_for_two_is_refused(box: SecretBox) -> None:
    with pytest.raises(Bug):
        box.seal("x", workspace_id="main|secret_1", secret_id="1", version=1)


@pytest.mark.parametrize("place", ["nonce", "ciphertext"])
def test_a_changed_byte_is_noticed(box: SecretBox, place: str) -> None:
    sealed = box.seal("sk-abc", **ROW)
    raw = getattr(sealed, place)
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(ConfigInvalid):
            box.open(replace(sealed, **{place: changed}), **ROW)
    with pytest.raises(ConfigInvalid):
        box.open(replace(sealed, **{place: b""}), **ROW)


def test_another_key_is_named(box: SecretBox) -> None:
    other = SecretBox(MasterKey(b"o" * 32))
    with pytest.raises(ConfigInvalid, match=MasterKey(b"k" * 32).id):
        other.open(box.seal("sk-abc", **ROW), **ROW)


def test_the_key_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    first = open_key(tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_NAME).stat().st_mode) == 0o400
    assert open_key(tmp_path) == first
    assert [file.name for file in tmp_path.iterdir()] == [KEY_NAME]
    assert len(first.key) == 32
    assert open_key(_made(tmp_path / "other")) != first


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_several_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    code = "import sys, pathlib\nfrom engine.security.secrets import open_key\nprint(open_key(pathlib.Path(sys.argv[1])).id)"
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({child.communicate()[0] for child in children}) == 1


def test_an_operators_key_file_is_used_and_nothing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("ab" * 32 + "\n")
    file.chmod(0o400)
    home = _made(tmp_path / "home")
    assert open_key(home, key_file=file) == MasterKey(bytes.fromhex("ab" * 32))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mode", [0o444, 0o404, 0o402, 0o620, 0o666])
def test_a_key_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text("ab" * 32)
    file.chmod(mode)
    with pytest.raises(ConfigInvalid, match="open to other users") as caught:
        open_key(tmp_path, key_file=file)
    assert "chmod 400" in caught.value.next_step


@pytest.mark.parametrize("content", ["", "ab" * 31, "ab" * 33, "not hex " * 8, "zz" * 32])
def test_a_file_without_a_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    file = tmp_path / KEY_NAME
    file.write_text(content)
    file.chmod(0o400)
    with pytest.raises(ConfigInvalid, match="does not hold a key") as caught:
        open_key(tmp_path)
    assert content.strip() not in caught.value.message or not content.strip()
    assert file.read_text() == content


def test_a_missing_key_file_is_told_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="SIGNALBOX_KEY_FILE"):
        open_key(tmp_path, key_file=tmp_path / "nowhere")


def test_keys_for_different_purposes_differ_and_none_is_the_key_itself() -> None:
    key = MasterKey(b"k" * 32)
    derived = {key.derive(purpose) for purpose in ("audit", "secrets", "key id")} | {key.key}
    assert len(derived) == 4
    assert "kkk" not in repr(key)
