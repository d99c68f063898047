"""The chapters of the site: sections of README.md, documents and rule pages, with links between each other."""

import posixpath
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

# Documents besides README.md: file, title.
DOCUMENTS = {
    "docs/editors.md": "Editors",
    "docs/pull-requests.md": "Comments on pull requests",
    "docs/architecture.md": "Architecture",
    "CONTRIBUTING.md": "Contributing",
    "SECURITY.md": "Security",
    "CHANGELOG.md": "Changelog",
}
# The documents that follow a section of README.md in the table of contents, one level deeper.
BELOW = {"Where it runs": ["docs/editors.md", "docs/pull-requests.md"]}
PROJECT_DOCUMENTS = ["CONTRIBUTING.md", "docs/architecture.md", "SECURITY.md", "CHANGELOG.md"]
RULES = "Rules"
# Sections that only link to entries of the table of contents.
LEFT_OUT = ["More"]
# A line that begins or ends a block of code, and what follows it.
FENCE = re.compile(r"^(`{3,}|~{3,})(.*)$")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass
class Chapter:
    # The path of its file, relative to the source folder.
    path: str
    title: str
    text: str
    # One line for lists.
    about: str = ""
    depth: int = 0


class Site:
    """The locations on the site of the files and anchors that the repository's Markdown links to."""

    def __init__(self, project, repository):
        self.project = project
        self.repository = repository
        # From (file, anchor) or (file, "") to a chapter's path and anchor.
        self.places = {}

    def link(self, target, source, chapter):
        """Converts a link in a file to a link in a chapter."""
        if re.match(r"[a-z]+:", target):
            return target
        path, _, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        place = self.places.get((file, anchor)) or self.places.get((file, ""))
        if place:
            to, at = place
            to = posixpath.relpath(to, posixpath.dirname(chapter) or ".")
            return to + ("#" + (at or anchor) if at or anchor else "")
        if not (self.project / file).exists():
            fail(f"{source}: the link {target} leads nowhere")
        kind = "tree" if (self.project / file).is_dir() else "blob"
        return f"{self.repository}/{kind}/main/{file}"

    def rewrite(self, text, source, chapter):
        """Converts the links in a Markdown text to links in a chapter; code is unchanged."""
        change = lambda found: f"]({self.link(found[1], source, chapter)})"
        return "".join(part if is_code else LINK.sub(change, part) for part, is_code in blocks(text))


def fail(message):
    raise SystemExit(f"error: {message}")


def blocks(text):
    """The parts of a Markdown text in and outside code blocks, in order."""
    part, fence = [], None
    for line in text.splitlines(keepends=True):
        found = FENCE.match(line.strip("\n"))
        if fence is None and found:
            yield "".join(part), False
            part, fence = [line], found[1]
        elif fence is not None and found and found[1].startswith(fence) and not found[2].strip():
            yield "".join(part) + line, True
            part, fence = [], None
        else:
            part.append(line)
    yield "".join(part), fence is not None


def slug(title):
    """The anchor of a heading, as GitHub and mdBook generate it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.lower()))


def headings(text, level):
    """The titles of all headings at a level, with the text after each."""
    title, body = "", []
    for part, is_code in blocks(text):
        for line in [part] if is_code else part.splitlines(keepends=True):
            if not is_code and line.startswith("#" * level + " "):
                yield title, "".join(body)
                title, body = line[level:].strip(), []
            else:
                body.append(line)
    yield title, "".join(body)


def promoted(text):
    """A section with its headings one level up."""
    up = lambda part: re.sub(r"^##(#*) ", r"#\1 ", part, flags=re.MULTILINE)
    return "".join(part if is_code else up(part) for part, is_code in blocks(text))


def read(project, repository):
    """All chapters, in the order of the table of contents."""
    site = Site(project, repository)
    sections = list(headings((project / "README.md").read_text(), 2))
    rules = sorted((project / "rules").glob("*.md"))
    site.places[("README.md", "")] = ("index.md", "")
    paths = {}
    for title, body in sections[1:]:
        paths[title] = "rules/index.md" if title == RULES else f"{slug(title)}.md"
        site.places[("README.md", slug(title))] = (paths[title], "")
        for below, _ in list(headings(body, 3))[1:]:
            site.places[("README.md", slug(below))] = (paths[title], slug(below))
    site.places |= {(file, ""): (document_path(file), "") for file in DOCUMENTS}
    site.places |= {(f"rules/{page.name}", ""): (f"rules/{page.name}", "") for page in rules}

    book = [Chapter("index.md", "flakeward", site.rewrite(sections[0][1], "README.md", "index.md"))]
    for title, body in sections[1:]:
        if title in LEFT_OUT:
            continue
        text = f"# {title}\n{promoted(body)}"
        about = first_sentence(body)
        book.append(Chapter(paths[title], title, site.rewrite(text, "README.md", paths[title]), about))
        book += [document(site, file, 1) for file in BELOW.get(title, [])]
        if title == RULES:
            book += [rule(site, page) for page in rules]
    return book + [document(site, file, 0) for file in PROJECT_DOCUMENTS]


def document_path(file):
    return Path(file).name.lower()


def document(site, file, depth):
    path, text = document_path(file), (site.project / file).read_text()
    body = text.split("\n", 1)[1]
    return Chapter(path, DOCUMENTS[file], site.rewrite(text, file, path), first_sentence(body), depth)


def rule(site, page):
    """A rule's page: its front matter as a list, and its examples with the names of their files."""
    _, front, body = page.read_text().split("+++\n", 2)
    front = tomllib.loads(front)
    fix = {"safe": "`flakeward fix`", "unsafe": "`flakeward fix --unsafe`"}.get(front.get("fix"), "none")
    level = "off by default" if front["level"] == "off" else front["level"]
    rows = {
        "Level": level,
        "Groups": ", ".join(f"`{group}`" for group in front.get("groups", [])) or "none",
        "Fix": fix,
        "Since": front["since"],
    }
    facts = "".join(f"- {name}: {value}\n" for name, value in rows.items())
    summary = front["summary"]
    head = f"# {front['id']}\n\n{summary[0].upper()}{summary[1:]}.\n\n{facts}\n"
    text = head + "".join(example(part) if is_code else part for part, is_code in blocks(body.lstrip("\n")))
    path = f"rules/{page.name}"
    return Chapter(path, front["id"], site.rewrite(text, path, path), summary, 1)


def example(block):
    """A code block in an example, preceded by the name of its file or a description."""
    first, rest = block.split("\n", 1)
    fence, info = FENCE.match(first).groups()
    words = info.split()
    file = next((word.removeprefix("file=") for word in words if word.startswith("file=")), None)
    kind = words[0] if words else "text"
    name = f"`{file}`" if file else ""
    if kind == "findings":
        return f"Reported:\n\n{fence}text\n{rest}"
    if kind == "fixed":
        option = " --unsafe" if "unsafe" in words else ""
        language = {"yml": "yaml", "md": "markdown"}.get(suffix := Path(file or "a.nix").suffix[1:], suffix)
        return f"{name or 'The file'} after `flakeward fix{option}`:\n\n{fence}{language}\n{rest}"
    return f"{name}:\n\n{fence}{kind}\n{rest}" if file else block


def first_sentence(text):
    """The first sentence of a text that is prose, without links."""
    for part, is_code in blocks(text):
        paragraphs = [] if is_code else re.split(r"\n\s*\n", part)
        for paragraph in map(str.strip, paragraphs):
            if paragraph and not re.match(r"[#|<!\[-]|```", paragraph):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
                return re.split(r"(?<=[.:])\s", plain)[0].rstrip(":.")
    return ""


def summary(book):
    """The table of contents."""
    lines = ["# Summary\n", f"[{book[0].title}]({book[0].path})\n"]
    for chapter in book[1:]:
        lines.append(f"{'  ' * chapter.depth}- [{chapter.title}]({chapter.path})")
    return "\n".join(lines) + "\n"


def llms(book, homepage, description):
    """The list of chapters for language models: https://llmstxt.org."""
    rules = [chapter for chapter in book if chapter.path.startswith("rules/") and chapter.depth]
    others = [chapter for chapter in book if chapter not in rules]

    def entry(chapter):
        about = f": {chapter.about}" if chapter.about else ""
        return f"- [{chapter.title}]({homepage}{chapter.path}){about}\n"

    return (
        f"# flakeward\n\n> {description}\n\n## Documentation\n\n{''.join(map(entry, others))}"
        f"\n## Rules\n\n{''.join(map(entry, rules))}"
    )
