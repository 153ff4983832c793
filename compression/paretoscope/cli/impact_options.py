"""The options of `impact`, one a number of the calculation."""

from __future__ import annotations

import argparse

from paretoscope.cli.data_options import positive

NUMBERS = (
    ("--requests-per-day", "requests a day (default: 1000000)"),
    ("--peak-factor", "requests in the busiest hour over the mean (default: 1, constant)"),
    ("--utilization", "share of an instance that may be busy at the peak (default: 0.6)"),
    ("--speed", "speed of a vCPU relative to a thread of the measured machine (default: 1)"),
    ("--usd-per-hour", "price of an instance an hour (default: that of --instance)"),
    ("--vcpus", "vCPUs of an instance (default: those of --instance)"),
    ("--usd-per-kwh", "price of electricity (default: that of --electricity)"),
    ("--g-per-kwh", "carbon intensity in gCO2e/kWh (default: that of --grid)"),
    ("--pue", "facility energy over IT energy (default: the provider's)"),
    ("--embodied-g-per-hour", "carbon of making an instance, gCO2e per hour (default: 0)"),
    ("--device-requests", "requests a day on the device (default: 1000)"),
)
ROWS = (
    ("--instance", "instance type of the table, such as c6i.large"),
    ("--grid", "country of the table of carbon intensities"),
    ("--electricity", "row of the table of electricity prices"),
    ("--device", "device of the table of batteries"),
)


def add_impact(command: argparse.ArgumentParser) -> None:
    """Traffic, rows of the tables, numbers in place of theirs, and the shape of a request."""
    for option, about in ROWS:
        command.add_argument(
            option, metavar="NAME", default="", help=f"{about} (default: the first row)"
        )
    for option, about in NUMBERS:
        command.add_argument(option, type=float, metavar="N", help=about)
    command.add_argument(
        "--billing",
        choices=("instances", "time"),
        help="pay whole instances all year, or busy time only (default: instances)",
    )
    command.add_argument(
        "--energy",
        choices=("trial", "provider"),
        help="energy of the trial, or the provider's watts per vCPU (default: trial)",
    )
    for option in ("--prompt-tokens", "--new-tokens"):
        command.add_argument(
            option,
            type=positive,
            metavar="N",
            help="of a request to a language model (default: as measured)",
        )
