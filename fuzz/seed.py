#!/usr/bin/env python3
"""Makes the corpora that fuzzing starts from, in corpus/, of seeds.txt and a labelled set if given.

    ./seed.py [pii_dev.jsonl.gz]
"""

import gzip
import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
SETTINGS = [
    "regions = ['ZA', 'NG']\nminimum_score = 0.4\nnames = true\noff = ['IP_ADDRESS']\n"
    "allow = ['0800 720 000']\n[[custom]]\nname = 'STAFF_NUMBER'\npattern = 'EMP-([0-9]{5})'\n"
    "score = 0.3\ncontext = ['staff*', '*é']\nkeyword = 'EMP-'\n",
    '{"regions":["KE"],"custom":[{"name":"A1","pattern":"(?i)\\\\bx\\\\w{2,9}|[^a-z&&\\\\p{L}]",'
    '"context":["a b","*c*"]},{"name":"B_2","pattern":"a|b?c","score":1}],"off":["B_2","EMAIL"]}',
    "minimum_score = nan\nregions = ['za', 'ZA', 'ZA']\n",
    "[[custom]]\nname = 'EMAIL'\npattern = '(?:(?:a{9}){9}){9}'\nkeyword = ''\n",
]


def write(target, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def main():
    texts = (HERE / "seeds.txt").read_text(encoding="utf-8").splitlines()
    for path in sys.argv[1:]:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in list(lines)[:400]]
    for at, text in enumerate(texts):
        data = text.encode()
        write("screen", bytes([at % 4]) + data)
        write("clean", bytes([at % 256, (at % 4) << 6]) + data)
    for unit in ["1", "1 ", "a@", "at . ", "://", "<", "eyJ", "::", "A1", "token=", "12 Long ", "é"]:
        write("screen", bytes([241]) + unit.encode())
    for settings in SETTINGS:
        write("screen_settings", settings.encode())


main()
