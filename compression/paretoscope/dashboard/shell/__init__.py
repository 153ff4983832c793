"""What every page has: layout, scope, selection, links."""
