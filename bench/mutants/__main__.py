"""Make small changes in the engine, one at a time, and see whether a test notices: `make mutants`.

First it records which test reaches which line (again for test files that have changed). Then it runs the tests that reach a chosen mutant,
until one fails. It works on a copy of the project with its own servers, and Ctrl-C removes both. The results are stored
in .local/mutants: the same command continues where it stopped.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.mutants import reach, tree
from bench.mutants.making import Module
from bench.mutants.mapping import file_hash
from launcher import home as homes
from launcher.family import PROJECT, Family, Trouble
from launcher.run import Stopping, say, server_urls

# Too slow for one mutant (generated walks, big tables, processes of their own), or no statement about what is right: the drawn
# documents notice every change.
LEFT_OUT = {
    *("tests/tickets/test_fuzz.py", "tests/tickets/test_recusal.py", "tests/tickets/test_plans.py"),
    *("tests/tickets/test_tick_loop.py", "tests/tickets/test_sweepers.py", "tests/tickets/test_races.py"),
    *("tests/tickets/test_simulation.py", "tests/tickets/test_demo.py", "tests/tickets/test_imaging.py"),
    *("tests/tickets/test_two_languages.py", "tests/tickets/test_drawing.py", "tests/notifications/test_deaths.py"),
    "tests/web/test_slow_bodies.py",
}
NOT_COPIED = (".git", ".venv", ".local", "__pycache__", ".*_cache", ".coverage*", ".hypothesis")


def main() -> int:
    """Run what was asked for; 0 where it came to its end."""
    asked = argparse.ArgumentParser(
        prog="make mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument(
        "modules",
        nargs="*",
        help="source files or folders (default: all that decide something)",
    )
    asked.add_argument("--sample", type=int, help="only so many mutants, drawn from all the modules")
    asked.add_argument("--seed", type=int, default=1, help="which sample (default: 1)")
    asked.add_argument("--tests", action="append", help="only tests of this file or folder, not all of the engine's")
    asked.add_argument("--line", type=int, action="append", help="only the mutants of this line")
    asked.add_argument(
        "--budget", type=float, default=60, help="seconds of tests that a mutant gets at most (default: 60)"
    )
    asked.add_argument(
        "--functions",
        action="store_true",
        help="leave out code that runs at import, which costs half a minute per mutant",
    )
    asked.add_argument("--again", action="store_true", help="run the survivors of the chosen mutants once more")
    asked.add_argument(
        "--report", action="store_true", help="run nothing, print the known results of the chosen mutants"
    )
    options = asked.parse_args()
    kept = homes.default() / "mutants"
    kept.mkdir(parents=True, exist_ok=True)
    session = kept / "session.jsonl"
    modules = chosen_modules(options.modules)
    wanted = chosen_mutants(modules, options)
    sources = {module: file_hash(PROJECT / module) for module in modules}
    known = results(session, sources)
    todo = [
        one
        for one in wanted
        if one not in known or (options.again and known[one]["outcome"] in {"survived", "unreached"})
    ]
    say(f"{len(wanted)} mutants, {len(todo)} of them to run.")
    code = 0
    if todo and not options.report:
        code = run(
            kept,
            {
                "tests": test_files(options.tests),
                "mutants": todo,
                "sources": sources,
                "budget": options.budget,
                "functions": options.functions,
                "session": str(session),
            },
        )
        known = results(session, sources)
    tell([known[one] for one in wanted if one in known], len(wanted))
    return code


def chosen_modules(named: list[str]) -> list[str]:
    """The source files that are asked for."""
    found: list[str] = []
    for name in named or tree.packages():
        path = (PROJECT / name).resolve()
        if not path.exists():
            sys.exit(f"There is no {name}.")
        found += tree.modules(path) if path.is_dir() else [str(path.relative_to(PROJECT))]
    return found


def chosen_mutants(modules: list[str], options: argparse.Namespace) -> list[tuple[str, int]]:
    """All mutants of the modules, or the sample that is asked for."""
    every = [
        (module, mutant.number)
        for module in modules
        for mutant in Module(module).mutants
        if not options.line or set(options.line) & set(mutant.lines)
    ]
    if options.sample is None or options.sample >= len(every):
        return every
    return sorted(random.Random(options.seed).sample(every, options.sample))


def results(session: Path, sources: dict[str, str]) -> dict[tuple[str, int], dict[str, object]]:
    """What is known of the modules as they are now; the last word on each mutant."""
    found = {}
    for line in session.read_text().splitlines() if session.exists() else []:
        result = json.loads(line)
        if sources.get(result["module"]) == result["sha"]:
            found[result["module"], result["number"]] = result
    return found


def test_files(named: list[str] | None) -> list[str]:
    """The test files that mutants are shown to."""
    folders = [PROJECT / name for name in named or tree.test_folders()]
    found = [path for one in folders for path in (sorted(one.glob("test_*.py")) if one.is_dir() else [one])]
    return [name for path in found if (name := str(path.relative_to(PROJECT))) not in LEFT_OUT]


def run(kept: Path, plan: dict[str, Any]) -> int:
    """Bring the map up to date and run the mutants, on a copy of the project and on servers that are thrown away."""
    directory = Path(tempfile.mkdtemp(dir=kept))
    # The servers' account must pass.
    directory.chmod(0o755)
    stopping = Stopping()
    try:
        with homes.in_words(homes.default()), Family() as family:
            stopping.family = family
            family.throw_away(directory)
            copy = directory / "project"
            shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*NOT_COPIED))
            with homes.open_home(directory) as home, server_urls(home, family, durable=False) as urls:
                environment = {
                    **os.environ,
                    **urls,
                    "LINLI_ENV": "test",
                    "LINLI_LOCAL_DIR": str(directory),
                    "COVERAGE_CORE": "ctrace",
                    "PYTHONDONTWRITEBYTECODE": "1",
                }
                files, places = plan["tests"], kept / "map"
                places.mkdir(exist_ok=True)
                if changed := reach.outdated(places, files):
                    say(f"Recording which lines {len(changed)} test files reach …")
                    command = [sys.executable, "-m", "bench.mutants.mapping", str(places), *changed]
                    recording = family.start("mapping", command, environment=environment, directory=copy)
                    if family.finish(recording):
                        say("Some tests fail without any mutant; they are not asked.")
                path = directory / "plan.json"
                path.write_text(json.dumps({**plan, "map": str(places), "directory": str(directory)}))
                command = [sys.executable, "-m", "bench.mutants.host", str(path)]
                return family.finish(family.start("mutants", command, environment=environment, directory=copy))
    except Trouble as trouble:
        say(f"\n{trouble}")
    except KeyboardInterrupt:
        say("Interrupted; the same command goes on from here.")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 1


def tell(found: list[dict[str, Any]], wanted: int) -> None:
    """Print the survivors as diffs, then the share that was found, of each module and in all."""
    found = [one for one in found if one["outcome"] != "none"]
    for one in found:
        if one["outcome"] in {"survived", "unreached"}:
            say(f"\n{one['outcome']} ({one['of']} tests)\n{one['diff']}")
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one["module"], Counter())[one["outcome"]] += 1
    say(f"\n{'module':<34}{'mutants':>9}{'found':>8}{'survived':>10}{'unreached':>11}{'share':>8}")
    for module, count in [*counts.items(), (f"all ({len(found)} of {wanted})", sum(counts.values(), Counter()))]:
        seen = count["found"] + count["late"]
        share = f"{100 * seen / count.total():.1f}%" if count else "–"
        say(f"{module:<34}{count.total():>9}{seen:>8}{count['survived']:>10}{count['unreached']:>11}{share:>8}")


if __name__ == "__main__":
    os.chdir(PROJECT)
    sys.exit(main())
