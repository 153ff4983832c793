"""Running an artefact with numpy and the runtime alone."""
