"""Drawn pictures → how many changed copies are found, how far different ones are apart, what 5,000 photographs cost, and what rings gain.

    python benchmarks/pictures.py    # some minutes
    python benchmarks/pictures.py --photographs 5000 --threads 2

Things and moments are of numbers that nothing was tuned on.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from results_io import write_result

from graphdet import detect
from graphdet.evaluate import evaluate, load_truth
from graphdet.events import EventTable, read_events
from graphdet.events.picture_prints import picture_print
from graphdet.events.table import Written
from graphdet.settings import GnnSettings, LogSettings, MachineSettings, RingSettings, Settings
from graphdet.signals import with_meeting_places
from graphdet.signals.near_pictures import APART, PART_APART, apart, as_words, near_pictures, parts_apart
from graphdet.simulate import MarketSettings, preset, simulate, with_pictures, write_market
from graphdet.simulate.knobs import RingMix
from graphdet.simulate.photographs import CHANGES, as_jpeg, changed, draw_at_home, draw_for_shop

FRESH = 7000  # the first thing's number
SEEDS = (9101, 9102, 9103, 9104)
FIGURES = ("f1", "precision", "recall", "ring_precision", "ring_recall")
SHARES = ("recall of pairs", "precision of pairs", "different pairs that are near")
BITS_APART, PARTS_APART = "least bits between different ones", "least bits between one and a part of a different one"
# Name → what is cut off the left, upper, right and lower edge, as shares, by a random number for each.
CUTS: dict[str, Callable[[np.random.Generator], Sequence[float]]] = {
    "cut by up to 10 % at each edge": lambda rng: rng.uniform(0, 0.1, 4),
    "cut by up to 15 % at each edge": lambda rng: rng.uniform(0, 0.15, 4),
    "cut by up to 20 % at each edge": lambda rng: rng.uniform(0, 0.2, 4),
    "cut by 5 to 20 % at one edge": lambda rng: rng.permutation([rng.uniform(0.05, 0.2), 0, 0, 0]),
    "made a square": lambda rng: (0.125, 0, 0.125, 0),
    "cut by 25 % at each edge": lambda rng: (0.25,) * 4,
}


def cut_out(picture: Image.Image, shares: Sequence[float]) -> bytes:
    """What is left in between, in a worse JPEG."""
    left, top, right, bottom = (share * side for share, side in zip(shares, (picture.width, picture.height) * 2, strict=True))
    return as_jpeg(picture.crop((int(left), int(top), int(picture.width - right), int(picture.height - bottom))), 60)


def near_each(own: list[str], others: list[str]) -> float:
    """The share of copies that are near the original of the same place."""
    pairs = np.column_stack([np.arange(len(own)), np.arange(len(own)) + len(own)])
    views, parts = as_words(own + others)
    return float(((apart(pairs, views) <= APART) | (parts_apart(pairs, views, parts) <= PART_APART)).mean())


def copies(count: int) -> dict[str, Any]:
    """Each original beside its copies: shares that are near it, shares of pairs of copies in one group, and what is near without reason."""
    made = {
        "at home": [draw_at_home(FRESH + n // 3, FRESH + n) for n in range(count)],
        "for a shop": [draw_for_shop(FRESH + n) for n in range(count)],
    }
    told: dict[str, Any] = {}
    for kind, originals in made.items():
        own = [picture_print(as_jpeg(one)) for one in originals]
        near, every, source = {}, list(own), list(range(count))
        for change in CHANGES:
            others = [picture_print(changed(one, change, FRESH + n)) for n, one in enumerate(originals)]
            near[change] = near_each(own, others)
            every, source = every + others, source + list(range(count))
        for change, shares in CUTS.items():
            others = [picture_print(cut_out(one, shares(np.random.default_rng(FRESH + n)))) for n, one in enumerate(originals)]
            near[change] = near_each(own, others)
            every, source = every + others, source + list(range(count))
        different = np.column_stack(np.triu_indices(count, 1))
        views, parts = as_words(own)
        bits, part_bits = apart(different, views), parts_apart(different, views, parts)
        first, truth = near_pictures(*as_words(every)), np.array(source)
        together, same = first[:, None] == first[None], truth[:, None] == truth[None]
        upper = np.triu_indices(len(truth), 1)
        told[kind] = {
            "near the original": near,
            BITS_APART: int(bits.min()),
            PARTS_APART: int(part_bits.min()),
            "different pairs that are near": float(((bits <= APART) | (part_bits <= PART_APART)).mean()),
            "recall of pairs": float((together & same)[upper].sum() / same[upper].sum()),
            "precision of pairs": float((together & same)[upper].sum() / together[upper].sum()),
        }
    return told


def photograph(number: int, size: tuple[int, int]) -> bytes:
    """As large as those of telephones are once a shop's app has made them smaller, with grain that no JPEG can leave out."""
    rng = np.random.default_rng(number)
    large = np.asarray(draw_at_home(FRESH + number, number).resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    grain = rng.normal(0, 6, large.shape[:2]).astype(np.int16)[:, :, None]
    out = io.BytesIO()
    Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def cost(count: int, size: tuple[int, int], threads: int) -> dict[str, Any]:
    """A log of so many events, each with a photograph of its own on disk: seconds with and without pictures."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        different = [photograph(number, size) for number in range(min(count, 40))]
        for number in range(count):
            (folder / f"{number}.jpg").write_bytes(different[number % len(different)] + number.to_bytes(4, "little"))
        rows = [f"u{n},i{n % 50},2025-03-{1 + n % 28:02d} 10:00:00,{n}.jpg" for n in range(count)]
        (folder / "log.csv").write_text("\n".join(["user_id,item_id,timestamp,image", *rows]))
        seconds, busy = {}, {}
        for name, images in (("without", False), ("with", True)):
            start, began = time.perf_counter(), time.process_time()
            events = with_meeting_places(read_events([folder / "log.csv"], LogSettings(images=images), MachineSettings(threads=threads)))
            seconds[name], busy[name] = time.perf_counter() - start, time.process_time() - began
        return {
            "photographs": count, "pixels": size, "bytes": round(float(np.mean([len(one) for one in different]))), "threads": threads,
            "seconds": seconds, "seconds of the processor": busy, "groups": events.count("image_group"),
        }  # fmt: skip


def of_review_crews() -> MarketSettings:
    """A hard market whose rings all buy reviews."""
    base = preset("hard", users=1500, events=30_000)
    mix = RingMix(**{**dict.fromkeys(RingMix.model_fields, 0.0), "review": 1.0})
    return base.model_copy(update={"rings": base.rings.model_copy(update={"mix": mix, "count": 40.0})})


def dealt_to_others(events: EventTable) -> EventTable:
    """The same reviews with each other's pictures: what pictures tell of rings is gone."""
    shown = events.written["image"]
    code, rows = shown.code.copy(), np.flatnonzero(shown.code >= 0)
    code[rows] = np.random.default_rng(1).permutation(code[rows])
    return replace(events, written={**events.written, "image": Written(shown.values, code)})


def rings(seeds: Sequence[int]) -> dict[str, dict[str, float]]:
    """Alerts on markets of review crews: without pictures, with them, and with each other's."""
    settings = Settings(rings=RingSettings(permutations=2), gnn=GnnSettings(least_rings=0))
    found: dict[str, list[dict[str, float]]] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as place:
            write_market(simulate(with_pictures(of_review_crews(), 0.1), seed), Path(place) / "market")
            events, truth = read_events([Path(place) / "market" / "events.parquet"]), load_truth(Path(place) / "market")
        without = replace(events, written={name: one for name, one in events.written.items() if name != "image"})
        for name, log in (("without pictures", without), ("with pictures", events), ("with each other's", dealt_to_others(events))):
            members = evaluate(detect(log, settings), truth).as_dict()
            found.setdefault(name, []).append({figure: float(members[figure]) for figure in FIGURES})
    return {name: {figure: float(np.mean([one[figure] for one in every])) for figure in FIGURES} for name, every in found.items()}


def as_text(told: dict[str, Any]) -> str:
    """The figures as a table."""
    copied, cost = told["copies"], told["cost"]
    lines = ["| near the original, of copies | " + " | ".join(copied) + " |", "|---" * (len(copied) + 1) + "|"]
    rows = {change: [f"{row['near the original'][change]:.1%}" for row in copied.values()] for change in (*CHANGES, *CUTS)}
    rows |= {name: [f"{row[name]:.2%}" for row in copied.values()] for name in SHARES}
    rows |= {name: [str(row[name]) for row in copied.values()] for name in (BITS_APART, PARTS_APART)}
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    (wide, high), seconds = cost["pixels"], cost["seconds"]
    about = f"{cost['photographs']:,} photographs of {wide} × {high} pixels ({cost['bytes'] / 1e3:,.0f} kB each), {cost['threads']} threads"
    busy = cost["seconds of the processor"]["with"]
    lines += [
        "",
        f"{about}: a log is read in {seconds['with']:.1f} s with them, in {seconds['without']:.1f} s without; {busy:.1f} s of processors.",
    ]
    lines += ["", "| alerts | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{row[figure]:.3f}' for figure in FIGURES)} |" for name, row in told["rings"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--originals", type=int, default=150)
    asked.add_argument("--photographs", type=int, default=5000)
    asked.add_argument("--threads", type=int, default=2)
    given = asked.parse_args()
    told: dict[str, Any] = {"copies": copies(given.originals), "cost": cost(given.photographs, (1280, 960), given.threads)}
    told["rings"] = rings(SEEDS)
    text = as_text(told)
    print(text)
    write_result("pictures", told, text)


if __name__ == "__main__":
    main()
