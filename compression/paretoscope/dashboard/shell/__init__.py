"""What every page has: layout, scope, selection, link parameters and engine status."""
