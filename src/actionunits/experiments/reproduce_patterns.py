"""Items of seed 004 that are trained: experiments 1 to 4 on whole AU patterns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from actionunits.analysis.errata import printed_summaries
from actionunits.experiments.compare import Outcome
from actionunits.experiments.crops import data_line
from actionunits.experiments.pattern_experiments import (
    KEPT,
    all_patterns,
    by_threshold,
    labels_of,
    on_aus,
    one_network_an_au,
    sampling_variants,
    top_patterns,
    unseen_patterns_of,
)
from actionunits.experiments.pattern_tables import (
    compared_with_published,
    differences,
    figures,
    pattern_note,
    printed_scores,
    scores_by_au,
    summary,
    variances,
)
from actionunits.experiments.reproduced import Maker, Product, Request

__all__ = ["PATTERN_MAKERS"]

POOLED = (
    "Scores over the test frames of all folds, pooled; an AU counts as shown from a probability of .5. Ones "
    "says that every AU is always shown, Zeros never, chance as often as the base rate. Intervals are 95 % "
    "over the test subjects."
)
BOTH_WAYS = (
    "A network of pattern classes decides for the AUs of the most probable pattern; '(sum)' decides by .5 on "
    "the posterior summed over the patterns that hold the AU, which is the score of both. The classes are "
    "the {count} most frequent patterns of the whole set, test subjects included, as in the paper; `au "
    "train` counts them in the training subjects alone. Networks 4 and 7 keep the convolutions of Networks 3 "
    "and 6 of the same fold, which never saw its test subjects."
)
FIRST = (("Network 2", "Network 1"),)
THIRD = (
    ("Network 4", "Network 1"),
    ("Network 3", "Network 1"),
    ("Network 7", "Network 5"),
    ("Network 6", "Network 5"),
)
FOURTH = (("Network 4", "Network 1"), ("Network 7", "Network 5"))


def _lines(request: Request, *, kept: bool) -> tuple[str, str]:
    """The page's first line, and what is to be said of the patterns."""
    recipe, index, whole = labels_of(request, kept=kept)
    return data_line(recipe.data, index), pattern_note(index, whole, recipe.data.pattern_set)


def _figure(number: int) -> Maker:
    """Figs. 4 and 5: each metric over the AUs."""

    def make(request: Request) -> Product:
        outcomes = _outcomes(number, request)
        data, note = _lines(request, kept=False)
        tables = {"": scores_by_au(outcomes), "-means": summary(outcomes)}
        title = "All AUs at once" if number == 1 else "One network an AU"
        return Product(data, tables, figures(outcomes, title), (note, POOLED), _runs(outcomes))

    return make


def _runs(*groups: Mapping[str, Outcome]) -> tuple[Path, ...]:
    """The trainings behind outcomes; of one network an AU there are several."""
    found: dict[Path, None] = {}
    for outcome in (outcome for group in groups for outcome in group.values()):
        single = (outcome.run / "recipe.toml").is_file()
        found |= dict.fromkeys([outcome.run] if single else sorted(outcome.run.iterdir()))
    return tuple(found)


def _outcomes(number: int, request: Request) -> dict[str, Outcome]:
    return all_patterns(request, (1, 2)) if number == 1 else one_network_an_au(request)


def _table7(request: Request) -> Product:
    outcomes = all_patterns(request, (1, 2))
    data, note = _lines(request, kept=False)
    tables = {
        "": compared_with_published(outcomes, "table7"),
        "-means": summary(outcomes),
        "-differences": differences(outcomes, FIRST),
    }
    says = "Correlation over the AUs of each metric with the base rate; a dash: not defined, or not printed."
    return Product(data, tables, notes=(note, says, POOLED), runs=_runs(outcomes))


def _table8(request: Request) -> Product:
    single, together = one_network_an_au(request), all_patterns(request, (1, 2))
    data, note = _lines(request, kept=False)
    both = {f"{name}, one an AU": outcome for name, outcome in single.items()}
    for name, outcome in together.items():
        both[f"{name}, all at once"] = on_aus(outcome, single[name].scores.aus)
    pairs = [(f"{name}, all at once", f"{name}, one an AU") for name in single]
    tables = {
        "": compared_with_published(single, "table8"),
        "-means": summary(single),
        "-differences": differences(both, pairs),
    }
    says = (
        "Correlation over the AUs of each metric with the base rate, one network an AU; the last table holds "
        "how much higher the networks of experiment 1, which learn all AUs at once, score on the same frames."
    )
    return Product(data, tables, notes=(note, says, POOLED), runs=_runs(single, together))


def _table9(request: Request) -> Product:
    outcomes = top_patterns(request)
    data, note = _lines(request, kept=True)
    shown = _with_sums(outcomes)
    tables = {
        "": scores_by_au(shown),
        "-means": summary(shown),
        "-differences": differences(outcomes, THIRD),
        "-published": printed_scores("table9"),
    }
    notes = (note, POOLED, BOTH_WAYS.format(count=KEPT[request.scale]))
    return Product(data, tables, notes=notes, runs=_runs(outcomes))


def _with_sums(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Pattern networks twice: by the most probable pattern, and by the summed posterior."""
    shown = {}
    for name, outcome in outcomes.items():
        shown[name] = outcome
        if name in ("Network 3", "Network 6"):
            shown[f"{name} (sum)"] = by_threshold(outcome)
    return shown


def _table10(request: Request) -> Product:
    outcomes = all_patterns(request, (1, 4, 5, 7))
    variants = sampling_variants(request)
    data, note = _lines(request, kept=False)
    others = [(name, "plain") for name in variants if name != "plain"]
    tables = {
        "": scores_by_au(outcomes),
        "-means": summary(outcomes),
        "-differences": differences(outcomes, FOURTH),
        "-sampling": summary(variants),
        "-sampling-differences": differences(variants, others),
        "-published": printed_scores("table10"),
    }
    says = (
        "Networks 4 and 7 keep the convolutions that Networks 3 and 6 learnt in experiment 3, as in the "
        "paper. The tables on sampling are Network 1 trained otherwise: the loss weighted by the AUs' "
        "inverse base rates (seed 003), or rows drawn so that each AU, or each pattern, comes up equally "
        "often."
    )
    return Product(data, tables, notes=(note, POOLED, says), runs=_runs(outcomes, variants))


def _table11(request: Request) -> Product:
    unseen = unseen_patterns_of(request)
    seen = top_patterns(request, (3,))["Network 3"]
    data, note = _lines(request, kept=True)
    if unseen is None:
        return Product(
            data, {"": scores_by_au({"seen": seen})}, notes=(note, "No frame was left out."), runs=(seen.run,)
        )
    tables = {
        "": scores_by_au(_twice("unseen", unseen)),
        "-means": summary(_twice("unseen", unseen)),
        "-seen": summary(_twice("seen", seen)),
        "-published": printed_scores("table11"),
    }
    says = (
        f"Network 3, which learnt the {KEPT[request.scale]} most frequent patterns, on the "
        f"{len(unseen.labels):,} frames of its test subjects that show any other pattern; below, on those "
        "that show one of them. Base rates differ between the two, and F1 follows them: compare with Ones "
        "and chance, or AUC."
    )
    notes = (note, says, POOLED, BOTH_WAYS.format(count=KEPT[request.scale]))
    return Product(data, tables, notes=notes, runs=(seen.run,))


def _twice(name: str, outcome: Outcome) -> dict[str, Outcome]:
    return {name: outcome, f"{name} (sum)": by_threshold(outcome)}


def _table12(request: Request) -> Product:
    third, fourth = top_patterns(request), all_patterns(request, (1, 4, 5, 7))
    data, note = _lines(request, kept=False)
    printed = printed_summaries().query("table == 'table12'").set_index(["method", "quantity"])
    table = pd.DataFrame(
        {"experiment 3, ours": variances(_with_sums(third)), "experiment 4, ours": variances(fourth)}
    )
    for number, item in (("3", "table9"), ("4", "table10")):
        rows = printed.xs(f"variance of F1 in {item}", level="quantity")
        table[f"experiment {number}, paper"] = rows["printed"].reindex(table.index)
        table[f"experiment {number}, paper's rows"] = rows["again"].reindex(table.index)
    tables = {
        "": table,
        "-experiment-3": differences(third, THIRD),
        "-experiment-4": differences(fourth, FOURTH),
    }
    says = (
        "Sample variance (n - 1) of F1-binary over the AUs; 'paper's rows' is that of the printed rows of "
        "Tables IX and X. A low variance alone is no merit: see that of Zeros."
    )
    return Product(data, tables, notes=(note, says, POOLED), runs=_runs(third, fourth))


PATTERN_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("patterns", "fig4"): _figure(1),
    ("patterns", "table7"): _table7,
    ("patterns", "fig5"): _figure(2),
    ("patterns", "table8"): _table8,
    ("patterns", "table9"): _table9,
    ("patterns", "table10"): _table10,
    ("patterns", "table11"): _table11,
    ("patterns", "table12"): _table12,
}
