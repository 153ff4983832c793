"""The library page: bring a model and data, see and delete what is there, and the space it uses."""
