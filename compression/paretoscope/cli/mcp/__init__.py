"""The product for agents: an MCP server whose tools answer what the commands print."""
