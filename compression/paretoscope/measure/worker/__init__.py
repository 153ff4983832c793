"""The measuring process: numpy, psutil and the runtime, nothing else."""
