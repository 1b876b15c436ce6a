"""A fresh environment → seconds of each step of a first hour, cold and warm, beside pandas and splink's first example.

Processor seconds stand beside those on the wall: on a machine that has other work they alone can be compared.

A virtual environment is made, graphdet is installed into it from this checkout (what pip downloads is not counted where its cache has it),
and the commands of the README are timed as a user would type them: once cold, then again. Beside it, each in an environment of its own, the
pandas and networkx recipe on the demo's log, and the first example of splink's documentation (a thousand people).

    python benchmarks/first_hour.py
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from results_io import ROOT, markdown_row, write_result

# The first example of splink's documentation, on as many made people as it has, since its own data are fetched from elsewhere.
SPLINK = """
import pandas, random
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
import splink.comparison_library as compare
chance = random.Random(1)
names = [[start + end for start in starts for end in "aeiouy"] for starts in (("mar", "lin", "tes", "bor"), ("kov", "sen", "wir", "dal"))]
people = [[chance.choice(names[0]), chance.choice(names[1]), str(chance.randrange(40)), f"{number}@example.org"] for number in range(750)]
rows = [(number, *person) for number, person in enumerate(people + chance.sample(people, 250))]
data = pandas.DataFrame(rows, columns=["unique_id", "first_name", "surname", "city", "email"])
settings = SettingsCreator(
    link_type="dedupe_only",
    comparisons=[compare.NameComparison("first_name"), compare.NameComparison("surname"), compare.ExactMatch("city")],
    blocking_rules_to_generate_predictions=[block_on("first_name", "city"), block_on("surname")],
)
linker = Linker(DuckDBAPI().register(data), settings)
linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
linker.training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "surname"))
pairs = linker.inference.predict(threshold_match_probability=0.9)
print(len(linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, 0.9).as_pandas_dataframe()))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="of the warm commands")
    parser.add_argument("--extras", default="report", help="of graphdet that are installed, as in graphdet[report]; all brings 5 GB")
    parser.add_argument("--no-peers", action="store_true", help="leave pandas and splink out")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        steps = first_hour(folder, options.repeats, options.extras)
        if not options.no_peers:
            steps |= peers(folder)
    lines = [
        "# The first hour",
        "",
        f"Processor seconds, with seconds on the wall in brackets, on {os.cpu_count()} cores with {load:.0f} others at it;",
        f"warm ones are medians of {options.repeats}. Installed with pip into environments of their own:",
        f"`graphdet[{options.extras}]` from a clone with its kernels built from source, `pandas networkx pyarrow`, and",
        "`splink pandas`; downloads come from pip's cache where it has them.",
        "",
        "| step | cold | warm |",
        "|---|---|---|",
    ]
    lines += [markdown_row([name, str(cold), "" if warm is None else str(warm)]) for name, (cold, warm) in steps.items()]
    text = "\n".join(lines) + "\n"
    told = {name: {"cold": asdict(cold), "warm": warm and asdict(warm)} for name, (cold, warm) in steps.items()}
    write_result("first_hour", told, text)
    print(text)


@dataclass(frozen=True)
class Took:
    """Seconds of all processors, and on the wall."""

    processor: float
    wall: float

    def __str__(self) -> str:
        return f"{self.processor:.1f} ({self.wall:.1f})"


Steps = dict[str, tuple[Took, Took | None]]


def first_hour(folder: Path, repeats: int, extras: str) -> Steps:
    """Step → what the first time took, and the median of the times after it (None where there is but one)."""
    environment = make_environment(folder / "graphdet")
    steps: Steps = {}
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    steps["install, kernels built"] = (timed([*environment, "-m", "pip", "install", "--quiet", f"{source}[{extras}]"]), None)
    graphdet = str(Path(environment[0]).with_name("graphdet"))
    log = str(folder / "demo-0" / "market" / "events.csv")  # as a log of one's own
    commands: Mapping[str, Sequence[str]] = {
        "graphdet --help": [graphdet, "--help"],
        "graphdet demo": [graphdet, "demo", "--out"],
        "graphdet init": [graphdet, "init", log, "--yes", "--out"],
        "graphdet check": [graphdet, "check", log],
        "graphdet run": [graphdet, "run", log, "--out"],
        "graphdet rings": [graphdet, "rings", str(folder / "demo-0" / "run")],
        "graphdet show": [graphdet, "show", str(folder / "demo-0" / "run"), "1"],
        "graphdet report": [graphdet, "report", str(folder / "demo-0" / "run"), "--out"],
    }
    for name, command in commands.items():
        seconds = []
        for repeat in range(repeats + 1):
            fresh = [str(folder / f"{name.split()[1]}-{repeat}")] if command[-1] == "--out" else []
            seconds.append(timed([*command, *fresh]))
        steps[name] = (seconds[0], sorted(seconds[1:], key=lambda took: took.processor)[len(seconds[1:]) // 2])
    return steps


def peers(folder: Path) -> Steps:
    """The pandas recipe on the demo's log, and splink on its own example: installed, then run twice."""
    steps: Steps = {}
    log = folder / "log.parquet"
    read = f"pandas.read_csv({str(folder / 'demo-0' / 'market' / 'events.csv')!r}, parse_dates=['timestamp'])"
    convert = f"import pandas; {read}.to_parquet({str(log)!r})"
    recipe = [str(ROOT / "benchmarks" / "pandas_recipe.py"), str(log)]
    for name, packages, code in (
        ("pandas and networkx", ["pandas", "networkx", "pyarrow"], recipe),
        ("splink", ["splink", "pandas"], ["-c", SPLINK]),
    ):
        environment = make_environment(folder / name.split()[0])
        steps[f"install {name}"] = (timed([*environment, "-m", "pip", "install", "--quiet", *packages]), None)
        if name != "splink":
            subprocess.run([*environment, "-c", convert], check=True)
        steps[f"{name}, first example"] = (timed([*environment, *code]), timed([*environment, *code]))
    return steps


def make_environment(folder: Path) -> list[str]:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return [str(folder / "bin" / "python")]


def timed(command: Sequence[str]) -> Took:
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.perf_counter() - begin)


if __name__ == "__main__":
    main()
