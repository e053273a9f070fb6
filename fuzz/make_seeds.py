#!/usr/bin/env python3
"""Makes the seed corpus of the target `overlay` from the recorded cases and from what it found before: python3 fuzz/make_seeds.py fuzz/corpus/overlay

Each case becomes one input: its kustomization, one of its other files as base.yaml, one as patch.yaml, and all further ones
behind the first of them. What refers to a file by its old name is written anew.
"""
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "kustomize"
SEPARATOR = "\n%%%%\n"
LARGEST = 8192
# Versions of a custom resource definition, and what looks into them.
VERSIONS = """  - name: v1
    schema:
      openAPIV3Schema:
        description: "text \\"of\\"
          lines"
        properties:
          image: {}
          size:
            default: 0.5
            description: |-
              a block

              of text
            enum:
            - a
            - 'b'
    served: true
  scope: Namespaced
"""
DEFINITION = "apiVersion: v1\nkind: CustomResourceDefinition\nmetadata: {name: d, labels: {a: b}}\nspec: "
DEFINITIONS = [
    ("resources: [definition.yaml]\nnamespace: n\ncommonLabels: {a: b}\n", ""),
    ("resources: [definition.yaml]\npatches: [{path: patch.yaml}]\n", DEFINITION + "{conversion: {strategy: None}}\n"),
    ("resources: [definition.yaml]\npatches: [{path: patch.yaml}]\n", DEFINITION + "{versions: [{name: v2}]}\n"),
    (
        "resources: [definition.yaml]\npatches: [{path: patch.yaml, target: {kind: CustomResourceDefinition}}]\n",
        "[{op: replace, path: /spec/versions/0/name, value: v3}, {op: add, path: /metadata/labels/x, value: y}]\n",
    ),
    (
        "resources: [definition.yaml, base.yaml]\nreplacements:\n- source: {kind: CustomResourceDefinition, fieldPath: spec.versions.0.name}\n"
        "  targets: [{select: {kind: CustomResourceDefinition}, fieldPaths: [metadata.name]}]\n",
        "",
    ),
]


def recorded():
    for case in sorted((CASES / "cases").iterdir()):
        files = [path for path in case.rglob("*") if path.is_file() and path.name != "expected.json"]
        yield {str(path.relative_to(case)): path.read_text(errors="replace") for path in files}
    for line in (CASES / "quirks.jsonl").read_text().splitlines():
        yield json.loads(line)["files"]


def is_patch(path, text):
    return "patch" in path or "$patch" in text or re.match(r"\s*(\[|- *op|-? *\{?\"?op)", text) is not None


def seeds(files):
    kustomizations = [path for path in files if pathlib.PurePath(path).name.lower().startswith("kustomization")]
    others = {path: text for path, text in files.items() if path not in kustomizations}
    patches = [path for path in others if is_patch(path, others[path])][:1]
    bases = [path for path in others if path not in patches]
    for path in kustomizations or [None]:
        text = files[path] if path else ""
        for old in sorted(others, key=len, reverse=True):
            new = "patch.yaml" if old in patches else "base.yaml"
            names = {old, pathlib.PurePath(old).name}
            for name in sorted(names, key=len, reverse=True):
                text = re.sub(r"(?:\.\./|\./)*(?:[\w.-]+/)*" + re.escape(name), new, text)
        yield SEPARATOR.join([text, "\n---\n".join(others[base] for base in bases), "".join(others[p] for p in patches)])


def main(target):
    directory = pathlib.Path(target)
    directory.mkdir(parents=True, exist_ok=True)
    kept = (CASES / "hostile.jsonl").read_text().splitlines()
    made = [seed for files in recorded() for seed in seeds(files)]
    made.extend(SEPARATOR.join([kustomization, VERSIONS, patch]) for kustomization, patch in DEFINITIONS)
    made.extend(SEPARATOR.join(json.loads(line)) for line in kept)
    for seed in made:
        content = seed.encode(errors="replace")
        if len(content) <= LARGEST:
            (directory / hashlib.sha1(content).hexdigest()).write_bytes(content)
    print(f"{len(set(made))} seeds in {directory}")


main(sys.argv[1])
