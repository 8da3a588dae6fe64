"""`$` expressions of a bundle's config: a few forms are understood, none is evaluated as Python.

Understood are literals, references (`@id`), arithmetic, comparisons and choices of these, subscripts, `len`, names of
types (`torch.float32`, `numpy.uint8`), keys (`monai.utils.CommonKeys.IMAGE`), `torch.device(...)`, of which nothing is
made, and `@network_def.to(@device)`, which is the network itself.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import SecurityError, SpecError

_LONGEST = 2_000
_LARGEST = 1_000_000
_REFERENCE = re.compile(r"@(\w+(?:(?:::|#)\w+)*)")
_STAND_IN = "_reference_{}"
_DTYPES = re.compile(r"^(torch|numpy|np)\.((?:u?int(?:8|16|32|64)|float(?:16|32|64)|half|double|float|long|bool_?))$")
_KEYS = re.compile(r"^(monai\.)?utils\.(enums\.)?CommonKeys\.(IMAGE|PRED|LABEL)$")

_BINARY: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARED: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_UNARY: Mapping[type[ast.AST], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}

DEVICE = "device"
"""What `torch.device(...)` becomes: the worker knows the device."""


def value_of(text: str, resolve: Callable[[str], Any], where: str) -> Any:
    """The value of an expression without its `$`. `resolve` gives the value of a reference.

    Raises SecurityError for what is more than the forms above, SpecError where they have no value.
    """
    return _Reader(text, resolve, where).value()


class _Reader:
    def __init__(self, text: str, resolve: Callable[[str], Any], where: str) -> None:
        self._text = text
        self._resolve = resolve
        self._where = where
        self._ids: list[str] = []

    def value(self) -> Any:
        if len(self._text) > _LONGEST:
            raise self._refusal()
        plain = _REFERENCE.sub(self._stand_in, self._text.strip())
        try:
            tree = ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._refusal() from None
        try:
            return self._of(tree)
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise SpecError(f"{self._where}: expression {'$' + self._text!r} has no value ({error})") from None

    def _stand_in(self, found: re.Match[str]) -> str:
        self._ids.append(found.group(1))
        return _STAND_IN.format(len(self._ids) - 1)

    def _refusal(self) -> SecurityError:
        return SecurityError(
            f"{self._where}: {'$' + self._text[:200]!r} is Python code, which is not run: write the value that it has"
        )

    def _of(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=str() | int() | float() | bool() | None):
                return node.value
            case ast.List() | ast.Tuple():
                return [self._of(one) for one in node.elts]
            case ast.Dict(keys=keys) if all(key is not None for key in keys):
                return {self._of(key): self._of(one) for key, one in zip(keys, node.values, strict=True) if key}
            case ast.BinOp(op=op) if type(op) in _BINARY:
                return _small(_BINARY[type(op)](self._side(node.left, op), self._side(node.right, op)))
            case ast.UnaryOp(op=op) if type(op) in _UNARY:
                return _UNARY[type(op)](self._of(node.operand))
            case ast.BoolOp(op=ast.And()):
                return all(self._of(one) for one in node.values)
            case ast.BoolOp(op=ast.Or()):
                return any(self._of(one) for one in node.values)
            case ast.Compare(ops=[op], comparators=[right]) if type(op) in _COMPARED:
                return _COMPARED[type(op)](self._of(node.left), self._of(right))
            case ast.IfExp():
                return self._of(node.body) if self._of(node.test) else self._of(node.orelse)
            case ast.Subscript(slice=ast.Constant() | ast.UnaryOp()):
                return self._of(node.value)[self._of(node.slice)]
        return self._named(node)

    def _named(self, node: ast.AST) -> Any:
        """References, and the few names and calls that mean something here."""
        if isinstance(node, ast.Name) and node.id in (names := [_STAND_IN.format(at) for at in range(len(self._ids))]):
            return self._resolve(self._ids[names.index(node.id)])
        if isinstance(node, ast.Attribute):
            return self._constant(ast.unparse(node))
        if isinstance(node, ast.Call) and not node.keywords:
            called = ast.unparse(node.func)
            if called == "torch.device":
                return DEVICE
            if called == "len" and len(node.args) == 1:
                return len(self._of(node.args[0]))
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("to", "eval"):
                return self._of(node.func.value)
        raise self._refusal()

    def _constant(self, name: str) -> str:
        kind, key = _DTYPES.match(name), _KEYS.match(name)
        if kind is not None:
            return kind.group(2)
        if key is not None:
            return key.group(3).lower()
        raise self._refusal()

    def _side(self, node: ast.AST, op: ast.AST) -> Any:
        """What is added or multiplied; only numbers are multiplied: `'x' % y` formats, `'x' * 10**9` fills memory."""
        value = self._of(node)
        if not isinstance(op, ast.Add) and not isinstance(value, int | float):
            raise self._refusal()
        return value


def _small(value: Any) -> Any:
    if isinstance(value, str | list) and len(value) > _LARGEST:
        raise ValueError("it is too large")
    return value
