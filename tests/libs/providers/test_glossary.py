"""The page of words is what the local provider knows."""

from pathlib import Path

from libs.providers.local import vocabulary
from libs.providers.local.glossary import page

PAGE = Path(__file__).parents[3] / "docs" / "local-words.md"


def test_the_page_is_up_to_date() -> None:
    """If not: `python -m libs.providers.local.glossary docs/local-words.md`."""
    assert PAGE.read_text("utf-8") == page()


def test_every_word_is_on_it() -> None:
    text = page()
    for table in (vocabulary.SCENES, vocabulary.EFFECTS, vocabulary.COLOURS, vocabulary.MODIFIERS):
        assert [word for word in table if word not in text] == []
