"""The command line: one file a command, each with `add_arguments(parser)` and `call(arguments) -> exit code`."""
