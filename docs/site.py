"""MkDocs hooks: include the Markdown files at the top of the repository, and adapt links.

The documentation stays readable on GitHub, where links may lead to any file. On the site, links to
the included files lead to their pages, and links to other files outside docs/ become plain text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).resolve().parents[1]
INCLUDED = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "data/PROVENANCE.md")
"""Files outside docs/ that become pages."""
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def page_name(path: str) -> str:
    """The page of an included file: `README.md` would be the site's index."""
    return f"repository/{Path(path).name.lower().replace('readme', 'overview')}"


PAGES = {page_name(path): path for path in INCLUDED}


def on_files(files: Any, config: Any) -> Any:
    """Add a page for every included file."""
    for page, path in PAGES.items():
        content = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Adapt the links of a page."""
    name = page.file.src_uri
    source = PAGES.get(name, f"docs/{name}")
    images = re.compile(r"(!\[[^\]]*\]\()docs/")
    if name in PAGES:
        markdown = images.sub(r"\1../", markdown)
    return LINK.sub(lambda link: _adapted(link, source, name), markdown)


def _adapted(link: re.Match[str], source: str, page: str) -> str:
    text, target, anchor = link[1], link[2], link[3] or ""
    if ":" in target:
        return link[0]
    path = os.path.normpath(os.path.join(os.path.dirname(source), target))
    if path in INCLUDED:
        inside = page_name(path)
    elif path.startswith("docs/"):
        inside = path.removeprefix("docs/")
    else:
        return text
    return f"[{text}]({os.path.relpath(inside, os.path.dirname(page) or '.')}{anchor})"
