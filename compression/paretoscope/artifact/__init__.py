"""The folder that a deployer takes away: what is in it, and the script that runs it."""
