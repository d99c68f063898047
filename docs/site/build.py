#!/usr/bin/env python3
"""Builds the documentation site from README.md, the documents and the rule pages, and checks its links.

Usage: docs/site/build.py [FOLDER]  (default: target/site); needs mdbook on PATH.

Writes the chapters as Markdown to FOLDER/src, and the site to FOLDER/html. Each chapter is
a section of README.md, a document, or a rule page; no text exists only for the site.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import chapters
import links

PROJECT = Path(__file__).resolve().parents[2]


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "target/site"
    package = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]
    source, html = folder / "src", folder / "html"
    for old in (source, html):
        shutil.rmtree(old, ignore_errors=True)
    book = chapters.read(PROJECT, package["repository"])
    for chapter in book:
        file = source / chapter.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(chapter.text)
    (source / "SUMMARY.md").write_text(chapters.summary(book))
    shutil.copy(PROJECT / "docs/site/book.toml", folder)
    subprocess.run(["mdbook", "build", "--dest-dir", html.resolve(), folder], check=True, stdout=subprocess.DEVNULL)
    # Readers that prefer Markdown get the same chapters: llms.txt lists them.
    for chapter in book:
        shutil.copy(source / chapter.path, html / chapter.path)
    (html / "llms.txt").write_text(chapters.llms(book, package["homepage"], package["description"]))
    broken = links.broken(html, package["homepage"], package["repository"], PROJECT)
    for link in broken:
        print(f"error: {link}", file=sys.stderr)
    print(f"{len(book)} chapters, {len(broken)} broken links: {html}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
