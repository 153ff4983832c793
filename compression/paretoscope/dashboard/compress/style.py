"""The style of the page: figures in a row, details buttons without their label."""

from __future__ import annotations

STYLE = """<style>
.figures { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: 0 !important;
  padding: 0 !important }
.figures > div { margin: 0; max-width: 13rem }
@media (min-width: 640px) { .figures { flex-wrap: nowrap } }
.figures dt { font-size: .82rem; opacity: .8 }
.figures dd { margin: 0; font-size: .82rem }
.figures dd b { font-size: 1.45rem; font-weight: 600; line-height: 1.25 }
.figures dd s { opacity: .8; margin-left: .3rem }
.figures .noisy { border-left: 3px solid #e69f00; padding-left: .5rem }
[class*="st-key-row_"] [data-testid="stPopover"] p { position: absolute; width: 1px; height: 1px;
  overflow: hidden; clip-path: inset(50%) }
[class*="st-key-row_"] [data-testid="stPopover"] button { padding: .25rem }
[class*="st-key-row_"] [data-testid="stSlider"] { min-width: 7.5rem }
</style>"""
"""Labels of the details stay readable for screen readers."""
