"""`wardround completion bash`: the script that completes commands, options and files in a shell."""

import argparse

from jobs.cli.main import whole_parser
from jobs.completion import SHELLS, script
from jobs.console import show

EXAMPLES = (
    'eval "$(wardround completion bash)"     # in ~/.bashrc',
    'eval "$(wardround completion zsh)"      # in ~/.zshrc',
    "wardround completion fish > ~/.config/fish/completions/wardround.fish",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=SHELLS, help="whose script")


def call(arguments: argparse.Namespace) -> int:
    """Print it."""
    show(script(whole_parser(), arguments.shell).rstrip("\n"))
    return 0
