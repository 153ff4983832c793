"""The command `mcp`: a server on stdin and stdout for one agent.

The tools are `cli/mcp/tools.py`'s, which needs the official SDK, the extra `mcp`.
"""

from __future__ import annotations

from importlib import import_module

from paretoscope.cli.requests import McpRequest
from paretoscope.integrations.extras import extra
from paretoscope.workspace import Workspace


def mcp(request: McpRequest, workspace: Workspace) -> None:
    """Answer requests until stdin ends; nothing but protocol messages is written to stdout."""
    extra("mcp.server.mcpserver", "mcp", "The MCP server")
    import_module("paretoscope.cli.mcp.tools").make_server(workspace).run("stdio")
