"""What only the operator may set up is read strictly, and nothing in it is shown."""

import re
from pathlib import Path

import pytest

from engine.errors import ConfigInvalid
from engine.operator_file import Database, MailServer, OperatorFile, Program, read_operator_file

WHOLE = """
[mail]
host = "mail.example"
sender = "desk@example.com"
password = "very-hidden-1"
recipients = ["@example.com"]

[databases.shop]
url = "sqlite:///shop.db"

[programs.files]
command = ["/usr/bin/files-mcp"]
env = {TOKEN = "very-hidden-2"}
"""


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "operator.toml"
    path.write_text(text)
    return path


def test_without_a_file_nothing_is_set_up() -> None:
    assert read_operator_file(None) == OperatorFile()


def test_everything_in_it_is_read_and_secrets_are_not_shown(tmp_path: Path) -> None:
    read = read_operator_file(_written(tmp_path, WHOLE))
    assert read.mail is not None
    assert read.mail.password.get_secret_value() == "very-hidden-1"
    assert read.mail.recipients == ["@example.com"]
    assert read.databases["shop"].rows == 100
    assert read.programs["files"].command == ["/usr/bin/files-mcp"]
    assert "very-hidden" not in repr(read)
    assert read.secrets() == ["very-hidden-1", "very-hidden-2"]


def test_a_path_that_a_program_is_told_is_no_secret_and_a_databases_password_is_one(tmp_path: Path) -> None:
    more = WHOLE.replace('{TOKEN = "very-hidden-2"}', '{ROOT = "/srv/files"}').replace(
        "sqlite:///shop.db", "postgresql://me:p%40ss@host/shop"
    )
    assert read_operator_file(_written(tmp_path, more)).secrets() == ["very-hidden-1", "p@ss", "p%40ss"]


def test_a_password_stays_unsaid_wherever_an_address_holds_it(tmp_path: Path) -> None:
    asked, broken = "postgresql://host/shop?user=me&password=p%40ss&sslmode=require", "postgresql://me:canary@[::1/shop"
    text = f'[databases.shop]\nurl = "{asked}"\n[databases.other]\nurl = "{broken}"\n'
    assert read_operator_file(_written(tmp_path, text)).secrets() == ["p@ss", broken]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mail", "TOML|table"),
        ("[post]\nhost = 'a'", "post"),
        ("[mail]\nhost = 'a'\nsender = 'a@b'\nport = 0", r"mail\.port"),
        ("[databases.Shop]\nurl = 'sqlite:///a'", "databases"),
        ("[programs.files]\ncommand = []", r"programs\.files\.command"),
    ],
    ids=["no-toml", "unknown", "port", "name", "command"],
)
def test_what_does_not_fit_is_named_with_the_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigInvalid, match=rf"operator\.toml.*({words})"):
        read_operator_file(_written(tmp_path, text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="No such file"):
        read_operator_file(tmp_path / "none.toml")


def test_the_page_that_explains_the_file_shows_one_that_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operator-file.md").read_text(encoding="utf-8")
    path = tmp_path / "operator.toml"
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)), encoding="utf-8")
    told = read_operator_file(path)
    assert told.mail is not None
    assert (set(told.databases), set(told.programs)) == ({"shop", "archive"}, {"files"})
    shown = {name for section in (told.mail, *told.databases.values(), *told.programs.values()) for name in section.model_fields_set}
    known = {name for section in (MailServer, Database, Program) for name in section.model_fields}
    assert shown == known, "every setting is explained, and no other"
