"""Sections: each case is a note, and the section that each marked term is in."""

from __future__ import annotations

import pytest

from workers.ehr.language.rules import load_rules
from workers.ehr.language.sections import OTHER, SectionRules, section_at

RULES = load_rules()
SECTIONS = SectionRules(RULES.sections)


def names(text: str) -> list[str]:
    return [section.name for section in SECTIONS.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Chief complaint: Chest pain\nHPI: cough\n", ["chief_complaint", "history_of_present_illness"]),
        ("CC: cough", ["chief_complaint"]),
        ("S: a\nO: b\nA: c\nP: d", ["subjective", "objective", "assessment", "plan"]),
        ("**Past Medical History**\nasthma", ["past_medical_history"]),
        ("**Past Medical History:** asthma", ["past_medical_history"]),
        ("## Plan\nrest", ["plan"]),
        ("== Plan ==\nrest", ["plan"]),
        ("[IMPRESSION]\nnormal", ["impression"]),
        ("Impression\n----------\nnormal", ["impression"]),
        ("1. Assessment:\nstable\n2) Plan:\nrest", ["assessment", "plan"]),
        ("  FAMILY   HISTORY  :  none", ["family_history"]),
        ("Assessment & Plan\r\nstable\r\nAllergies:\r\nnone", ["assessment_and_plan", "allergies"]),
        ("FINDINGS: clear. IMPRESSION: normal.", ["findings", "impression"]),
        ("The plan: rest", []),
        ("plan\nrest", []),
        ("He takes medications.\nNo allergies", []),
        ("BP: 120/80", []),
        ("10:30 seen by surgery", []),
    ],
)
def test_headings_are_found_in_every_style_and_prose_is_none(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize("text", ["MR JOHN SMITH: cough", "Consult of surgery\n======\nx", "### Addition\nx"])
def test_an_unknown_heading_opens_a_section_whose_name_is_none_of_its_words(text: str) -> None:
    assert names(f"Plan:\nrest\n{text}") == ["plan", OTHER]


def test_a_term_is_in_the_section_of_the_last_heading_before_it() -> None:
    text = "fever\nFamily History: stroke\nPlan: rest"
    sections = SECTIONS.find(text)
    at = {word: section_at(sections, text.index(word)) for word in ("fever", "Family", "stroke", "rest")}
    assert at["fever"] is None
    assert [at[word].name for word in ("Family", "stroke", "rest")] == ["family_history", "family_history", "plan"]
    assert at["stroke"].implies == "family"


def test_every_title_opens_its_own_section_only() -> None:
    titles = [title for rule in RULES.sections for title in rule.titles]
    assert len(set(titles)) == len(titles)
    for rule in RULES.sections:
        for title in rule.titles:
            assert names(f"{title.title()}:\ntext") == [rule.name], title
