"""Scripts that complete the command line in a shell, made from its own parsers: nothing is asked while one types."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Line:
    """What can stand behind some words of the command line. Each option has the values that it knows, empty where it
    takes a file or a number, None where it takes nothing; `words` are those that may follow without an option."""

    path: tuple[str, ...]
    words: list[str] = field(default_factory=list)
    options: dict[str, Sequence[str] | None] = field(default_factory=dict)


def lines(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Line]:
    """The line of a parser, then those of its commands."""
    found = Line(path)
    below: dict[str, argparse.ArgumentParser] = {}
    # argparse has no public way to ask a parser what it knows, and never had: every tool for completion goes this way.
    for action in parser._actions:
        choices = [str(choice) for choice in action.choices] if action.choices is not None else []
        if isinstance(action, argparse._SubParsersAction):
            below |= action.choices
            found.words.extend(choices)
        elif action.option_strings:
            for option in action.option_strings:
                found.options[option] = None if action.nargs == 0 else choices
        else:
            found.words.extend(choices)
    yield found
    for name, sub in below.items():
        yield from lines(sub, (*path, name))


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for one of `SHELLS`."""
    known = list(lines(parser))
    if shell == "fish":
        return "\n".join(_fish(known)) + "\n"
    begin = (
        "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    )
    return begin + "\n".join(_bash(known)) + "\n"


def _bash(known: Sequence[Line]) -> Iterator[str]:
    yield "_wardround() {"
    yield '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" word'
    yield "    COMPREPLY=()"
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield '        case "$path $word" in'
    yield from (f'            " {" ".join(line.path)}") path="$path $word" ;;' for line in known if line.path)
    yield "        esac"
    yield "    done"
    yield '    case "$path $prev" in'
    for line in known:
        for option, values in line.options.items():
            if values is not None:
                yield f'        "{_path(line)} {option}") {_reply(values)} return ;;'
    yield "    esac"
    yield '    if [[ "$cur" == -* ]]; then'
    yield '        case "$path" in'
    yield from (f'            "{_path(line)}") {_reply(list(line.options))} ;;' for line in known)
    yield "        esac"
    yield "    else"
    yield '        case "$path" in'
    yield from (f'            "{_path(line)}") {_reply(line.words)} ;;' for line in known if line.words)
    yield "        esac"
    yield "    fi"
    yield "}"
    yield "complete -o default -F _wardround wardround"


def _path(line: Line) -> str:
    return "".join(f" {word}" for word in line.path)


def _reply(words: Sequence[str]) -> str:
    """One of these words; where there are none the shell offers files."""
    return f'COMPREPLY=( $(compgen -W "{" ".join(words)}" -- "$cur") );' if words else "COMPREPLY=();"


def _fish(known: Sequence[Line]) -> Iterator[str]:
    for line in known:
        where = "__fish_use_subcommand" if not line.path else f"__fish_seen_subcommand_from {line.path[-1]}"
        if line.words:
            yield f"complete -c wardround -n '{where}' -a '{' '.join(line.words)}'"
        for option, values in line.options.items():
            kind = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            takes = "" if values is None else f" -r -fa '{' '.join(values)}'" if values else " -r"
            yield f"complete -c wardround -n '{where}' {kind}{takes}"
