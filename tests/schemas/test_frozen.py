"""Settings that nobody changes once they were checked."""

import pytest
from pydantic import ValidationError

from schemas.finding import Finding
from schemas.frozen import Frozen


class Settings(Frozen):
    """Something to set."""

    size: int = 1


def test_a_setting_cannot_be_changed_afterwards_and_equal_ones_are_one_key() -> None:
    settings = Settings(size=2)
    with pytest.raises(ValidationError, match="frozen"):
        settings.size = 3
    assert len({settings, Settings(size=2), Settings()}) == 2


def test_a_key_that_is_not_known_is_an_error_and_not_ignored() -> None:
    with pytest.raises(ValidationError, match="sise"):
        Settings.model_validate({"sise": 2})


def test_a_finding_that_nobody_has_to_act_on_has_no_remedy_and_fails_nothing() -> None:
    fine = Finding("python", "ok", "3.11")
    assert (fine.remedy, fine.exit_code) == ("", 0)
    with pytest.raises(AttributeError):
        fine.exit_code = 4
