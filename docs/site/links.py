"""Checks the links of a built site. Pages and anchors in the site and files in the repository must exist; nothing is
requested from the network."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit


class Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken(html, homepage, repository, project):
    """The errors in the links on all pages."""
    pages = {file.resolve(): Page(file.read_text()) for file in sorted(html.resolve().rglob("*.html"))}
    wrong = []
    for file, page in pages.items():
        for link in page.links:
            if reason := fault(link, file, pages, html, homepage, repository, project):
                wrong.append(f"{file.relative_to(html.resolve())}: {link}: {reason}")
    for line in (html / "llms.txt").read_text().splitlines():
        for link in [part.split(")")[0] for part in line.split("](")[1:]]:
            if reason := fault(link, html / "llms.txt", pages, html, homepage, repository, project):
                wrong.append(f"llms.txt: {link}: {reason}")
    return wrong


def fault(link, file, pages, html, homepage, repository, project):
    """Why a link in a file is broken; `None` if it is not."""
    for kind in ("blob", "tree"):
        if link.startswith(start := f"{repository}/{kind}/main/"):
            path = urldefrag(link.removeprefix(start))[0]
            return None if (project / path).exists() else "the repository has no such file"
    if link.startswith(homepage):
        link, file = link.removeprefix(homepage) or "index.html", html / "index.html"
    scheme = urlsplit(link).scheme
    if scheme:
        return None if scheme in ("https", "mailto", "data") else "not https"
    # The page for addresses that do not exist is served at any address, so its relative links cannot be checked.
    if file.name == "404.html":
        return None
    path, anchor = urldefrag(link)
    target = Path(file.parent, unquote(path)).resolve() if path else file
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such page"
    if anchor and target in pages and unquote(anchor) not in pages[target].anchors:
        return "no such anchor"
    return None
