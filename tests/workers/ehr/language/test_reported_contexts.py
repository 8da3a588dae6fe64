"""Sentences whose terms an earlier release flagged wrongly, by the kind of mistake; right is what a clinician reads."""

from __future__ import annotations

import pytest

from tests.support.context_gold import Rules, Sentence, Term, sentencizer_starts

RULES = Rules()

SENTENCES: dict[str, list[tuple[str, dict[str, str]]]] = {
    "a rule-out in the active voice": [
        ("We ruled out MI.", {"MI": "negated"}),
        ("CTA ruled out PE.", {"PE": "negated"}),
        ("Pneumonia has been effectively ruled out.", {"Pneumonia": "negated"}),
        ("Pulmonary embolism was suspected but excluded by CTPA.", {"Pulmonary embolism": "negated"}),
    ],
    "an answer on a form": [
        ("Smoker? No\nDiabetes? Yes", {"Smoker": "negated", "Diabetes": ""}),
        ("Vomiting No\nAsthma Yes", {"Vomiting": "negated", "Asthma": ""}),
        ("Vomiting\tNo\nAsthma\tYes", {"Vomiting": "negated", "Asthma": ""}),
        ("Cough No, fever Yes", {"Cough": "negated", "fever": ""}),
        ("Cough: no, fever: yes", {"Cough": "negated", "fever": ""}),
        ("Asthma: [ ] Yes [x] No\nDiabetes: [x] Yes [ ] No", {"Asthma": "negated", "Diabetes": ""}),
        ("Fever? No. Asthma? Yes.", {"Fever": "negated", "Asthma": ""}),
        ("Chest pain: none, asthma: yes", {"Chest pain": "negated", "asthma": ""}),
    ],
    "who told and who is ill": [
        ("Daughter noticed confusion this morning.", {"confusion": ""}),
        ("Son noted slurred speech.", {"slurred speech": ""}),
        ("Her son found her down with head trauma.", {"head trauma": ""}),
        ("Brought in by wife and daughter for confusion.", {"confusion": ""}),
        ("Lives with wife and son, has diabetes.", {"diabetes": ""}),
        ("Grandmother reports wheezing.", {"wheezing": ""}),
        ("Wife has COVID.", {"COVID": "family"}),
        ("Husband has influenza.", {"influenza": "family"}),
    ],
    "a line that begins in lower case": [
        ("no known allergies\nasthma\ndiabetes", {"asthma": "", "diabetes": ""}),
        ("denies chest pain\nfever x 3 days", {"chest pain": "negated", "fever": ""}),
        ("no sob\nno cp\ncough today\nfever", {"sob": "negated", "cough": "", "fever": ""}),
    ],
    "a negation that is negated": [
        ("Patient does not deny alcohol abuse.", {"alcohol abuse": ""}),
        ("Doesn't deny chest pain.", {"chest pain": ""}),
        ("The result does not allow us to exclude pneumonia.", {"pneumonia": "uncertain"}),
        ("This does not permit exclusion of asthma.", {"asthma": "uncertain"}),
    ],
    "a past that is a duration": [
        ("For the past 3 days, diarrhea.", {"diarrhea": ""}),
        ("Over the past month, weight loss.", {"weight loss": ""}),
        ("Previously healthy girl with fever.", {"fever": ""}),
        ("65yo F with PMH of CAD, COPD p/w dyspnea.", {"dyspnea": "", "CAD": "historical"}),
        ("65yo F with PMH CAD c/o chest pain.", {"chest pain": "", "CAD": "historical"}),
    ],
    "a phrase of another flag over a trigger": [
        ("Mother denies vomiting.", {"vomiting": "negated"}),
        ("Mom denies any fever.", {"fever": "negated"}),
        ("Parents deny rash.", {"rash": "negated"}),
        ("No apparent fracture.", {"fracture": "negated"}),
        ("Fever likely due to pneumonia.", {"pneumonia": "uncertain"}),
        ("She will be ruled out for myocardial infarction.", {"myocardial infarction": "uncertain"}),
    ],
    "a question mark before the term": [
        ("Chest pain ? PE.", {"Chest pain": "", "PE": "uncertain"}),
        ("Plan: CTPA, ?PE", {"PE": "uncertain"}),
        ("Dx: ? pneumonia", {"pneumonia": "uncertain"}),
    ],
    "a sign after the term": [
        ("Chest pain (-), dyspnea (+).", {"Chest pain": "negated", "dyspnea": ""}),
        ("fever (neg), asthma (pos)", {"fever": "negated", "asthma": ""}),
        ("Nausea -, vomiting +", {"Nausea": "negated", "vomiting": ""}),
        ("neg SOB, pos CP", {"SOB": "negated", "CP": ""}),
        ("pt denies N/V, +HA", {"N/V": "negated", "HA": ""}),
    ],
    "a stop inside a negation": [
        ("Findings are not consistent with pneumonia.", {"pneumonia": "negated"}),
        ("No findings consistent with pneumonia.", {"pneumonia": "negated"}),
        ("There is no evidence to suggest malignancy.", {"malignancy": "negated"}),
        ("No symptoms to suggest heart failure.", {"heart failure": "negated"}),
        ("Her dyspnea is not due to asthma.", {"asthma": "negated"}),
        ("Pain not caused by fracture.", {"fracture": "negated"}),
        ("Patient has not reported fever.", {"fever": "negated"}),
        ("Cultures were not positive for MRSA.", {"MRSA": "negated"}),
        ("She was not found to have DVT.", {"DVT": "negated"}),
        ("No reports of hallucinations.", {"hallucinations": "negated"}),
        ("No longer complains of pain.", {"pain": "negated"}),
        ("PMH not significant for diabetes.", {"diabetes": "negated"}),
    ],
    "instructions that tell what happened": [
        (
            "Discharge Instructions:\nDear Ms. Doe,\nYou came to the hospital because of chest pain. "
            "We found pericarditis.",
            {"chest pain": "", "pericarditis": ""},
        ),
        ("Discharge Instructions:\nCall if you develop fever.", {"fever": "uncertain"}),
    ],
    "a treatment that is denied": [
        ("No medications for hypertension at this time.", {"hypertension": ""}),
        ("No prior treatment for depression.", {"depression": ""}),
        ("He was not given antibiotics for pneumonia.", {"pneumonia": ""}),
        ("Not compliant with diabetes diet.", {"diabetes": ""}),
        ("No complications from diabetes.", {"diabetes": ""}),
        ("Patient has not followed up for diabetes.", {"diabetes": ""}),
    ],
}
CASES = [pytest.param(text, terms, id=f"{kind}: {text}") for kind, some in SENTENCES.items() for text, terms in some]


@pytest.mark.parametrize("sentences_of", ["our own", "a sentencizer"])
@pytest.mark.parametrize(("text", "terms"), CASES)
def test_each_term_has_the_flag_that_its_sentence_gives_it(text: str, terms: dict[str, str], sentences_of: str) -> None:
    spans = [(text.index(term), text.index(term) + len(term)) for term in terms]
    sentence = Sentence(text, tuple(Term(span, frozenset(), frozenset()) for span in spans))
    found = RULES.flags(sentence, None if sentences_of == "our own" else sentencizer_starts(text))
    for (term, wanted), flags in zip(terms.items(), found, strict=True):
        if wanted:
            assert wanted in flags, term
        else:
            assert not flags, term
