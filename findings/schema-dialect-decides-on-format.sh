#!/usr/bin/env bash
# The line "$schema" of a JSON Schema decides whether one validator looks at `format` and at what is encoded in a text.
#
# Packages:     jsonschema-rs==0.61.2 (the Rust crate jsonschema) and jsonschema==4.26.0, from PyPI, in a temporary folder
# A good guess: whether `format` is an assertion is an option of the validator; the same schema and value have one verdict.
# Seen:         jsonschema-rs refuses "yesterday" for {"format": "date"}, "x" for {"format": "email"} and "%%%" for
#               {"contentEncoding": "base64"} where the schema names draft 7, and takes all of them where it names 2020-12 or
#               nothing; jsonschema takes all of them in every dialect. So a tool's schema that a generator marked as draft 7
#               refuses arguments that the unmarked one takes, with one of two validators.
#
# Ends with 1 when the behaviour is no longer so.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check jsonschema-rs==0.61.2 jsonschema==4.26.0

verdicts=$("$scratch/venv/bin/python" - <<'PYTHON'
import jsonschema, jsonschema_rs

DIALECTS = {
    "draft 7": {"$schema": "http://json-schema.org/draft-07/schema#"},
    "2020-12": {"$schema": "https://json-schema.org/draft/2020-12/schema"},
    "unnamed": {},
}
CASES = [({"format": "date"}, "yesterday"), ({"format": "email"}, "x"), ({"contentEncoding": "base64"}, "%%%")]
for name, dialect in DIALECTS.items():
    rust = [jsonschema_rs.is_valid(schema | dialect, value) for schema, value in CASES]
    python = [jsonschema.validators.validator_for(schema | dialect)(schema | dialect).is_valid(value) for schema, value in CASES]
    print(f"{name}: jsonschema-rs {rust}, jsonschema {python}")
PYTHON
)
echo "$verdicts"

expected='draft 7: jsonschema-rs [False, False, False], jsonschema [True, True, True]
2020-12: jsonschema-rs [True, True, True], jsonschema [True, True, True]
unnamed: jsonschema-rs [True, True, True], jsonschema [True, True, True]'
if [ "$verdicts" = "$expected" ]; then
    echo "as found: the dialect decides in one of them, in the other nothing does"
else
    echo "changed"
    exit 1
fi
