"""What the documents say is there, is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from fetalstream.pipeline.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("models/*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_that_are_there(document: Path):
    text = document.read_text(encoding="utf-8")
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    missing = [target for target in targets if target and not (document.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document: Path):
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL) + re.findall(r"((?:^ {4}.*\n)+)", text, re.MULTILINE)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    said = [line for line in lines if line.startswith("fetalstream ")]
    assert {line: unknown for line in said if (unknown := unknown_words(line))} == {}


def unknown_words(line: str) -> list[str]:
    """The words of a command line that name no command or no option of ours."""
    words = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    while words and not words[0].startswith("-") and (names := getattr(command, "commands", None)):
        if words[0] not in names:
            return [words[0]]
        command = names[words.pop(0)]
    known = {"--help", "-h"} | {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return [word for word in words if word.startswith("-") and word.split("=")[0] not in known]


def test_an_option_that_does_not_exist_is_noticed():
    assert unknown_words("fetalstream review CINES --output out") == ["--output"]
    assert unknown_words("fetalstream inspect CINES") == ["inspect"]
