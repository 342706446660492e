"""A mutant in a process that has imported everything: the functions of the module get the changed code."""

import functools
import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType

# Set in the code of functions, and in that of modules and class bodies not.
NEW_LOCALS = 0x2


class Cold(Exception):
    """The change is in what runs at the import, so a process must import the changed module."""


def functions_of(files: Iterable[str]) -> dict[CodeType, list[FunctionType]]:
    """Every function that lives and was written in one of these files, by its code."""
    wanted = set(files)
    found: dict[CodeType, list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        # A weak proxy to what is gone has a type, and no class to ask for.
        if type(one) is FunctionType and one.__code__.co_filename in wanted:
            found[one.__code__].append(one)
    return found


def changed_codes(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]]:
    """The functions' codes that differ, each with what takes its place. Raises Cold."""
    return list(_changed(old, new))


def same(old: CodeType, new: CodeType) -> bool:
    """Whether two codes do the same, those in them included."""
    before, after = _codes(old), _codes(new)
    return _itself(old) == _itself(new) and len(before) == len(after) and all(map(same, before, after))


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    own = _itself(old) != _itself(new)
    is_function = bool(old.co_flags & NEW_LOCALS)
    if own and (not is_function or old.co_freevars != new.co_freevars):
        raise Cold
    inner = [pair for before, after in zip(_codes(old), _codes(new), strict=False) for pair in _changed(before, after)]
    # A function that makes the changed one makes it anew at every call.
    if is_function and (own or inner):
        yield old, new
    yield from inner


def _codes(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _itself(code: CodeType) -> tuple[object, ...]:
    """What a code does, without the codes in it and without the lines that it stands on."""
    constants = tuple(
        (type(each), each.co_name if isinstance(each, CodeType) else repr(each)) for each in code.co_consts
    )
    return (
        *(code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags),
        *(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_exceptiontable),
    )


def swap(pairs: list[tuple[CodeType, CodeType]], functions: dict[CodeType, list[FunctionType]]) -> None:
    """Give every function of an old code the new one."""
    for old, new in pairs:
        for function in functions.get(old, ()):
            function.__code__ = new


def forget(modules: tuple[str, ...]) -> list[Callable[[], None]]:
    """What forgets whatever the unchanged code found: the caches of our own functions, and queries that are built once in a process."""
    from workflow.prepared import Prepared  # noqa: PLC0415 - only now is Django set up

    found: list[Callable[[], None]] = []
    for one in gc.get_objects():
        # By type: a weak proxy answers `isinstance` for what it stands for, which may be gone.
        if type(one) is functools._lru_cache_wrapper and (one.__module__ or "").startswith(modules):
            found.append(one.cache_clear)
        elif type(one) is Prepared:
            found.append(functools.partial(setattr, one, "_wording", None))
    return found
