"""What a person added to a workspace: models, data files, uploads, the trash, and used space."""

from __future__ import annotations

from paretoscope.library.entry_list import Entry, add, entries, remove

__all__ = ["Entry", "add", "entries", "remove"]
