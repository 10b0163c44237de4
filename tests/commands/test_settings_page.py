"""docs/settings.md is what the settings say."""

from __future__ import annotations

from pathlib import Path

from ehr_sync.commands.settings_page import page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_settings_page_is_made_from_the_settings() -> None:
    assert PAGE.read_text() == page(), "run: python -m ehr_sync.commands.settings_page > docs/settings.md"
