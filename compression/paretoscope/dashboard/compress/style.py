"""The style of the page: figures, table of costs, details buttons without their label."""

from __future__ import annotations

STYLE = """<style>
.figures { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: 0 !important;
  padding: 0 !important }
.figures > div { margin: 0; max-width: 13rem }
@media (min-width: 640px) { .figures { flex-wrap: nowrap } }
.figures dt { font-size: .82rem; opacity: .8 }
.figures dd { margin: 0; font-size: .82rem }
.figures dd b { white-space: nowrap; font-size: 1.45rem; font-weight: 600; line-height: 1.25 }
.figures dd s { opacity: .8; margin-left: .3rem }
.figures .noisy { border-left: 3px solid #e69f00; padding-left: .5rem }
[class*="st-key-row_"] [data-testid="stPopover"] p { position: absolute; width: 1px; height: 1px;
  overflow: hidden; clip-path: inset(50%) }
[class*="st-key-row_"] [data-testid="stPopover"] div[aria-hidden="true"] { display: none }
[class*="st-key-row_"] [data-testid="stPopover"] button { padding: .25rem .4rem }
[class*="st-key-row_"] [data-testid="stSlider"] { min-width: 7.5rem }
.costs { width: 100%; border-collapse: collapse; font-size: .84rem }
.costs th, .costs td { text-align: left; padding: .2rem .6rem .2rem 0; font-weight: 400;
  border-bottom: 1px solid rgba(128, 128, 128, .25) }
.costs thead th { opacity: .8 }
.costs td { white-space: nowrap }
</style>"""
"""Labels of the details stay readable for screen readers."""
