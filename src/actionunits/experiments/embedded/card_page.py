"""The embedded model's card to read: how it was made, what it was measured on, what it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from scipy.stats import beta

from actionunits.experiments.embedded.calibrate import CALLED_AT_REST, CALLED_WITHOUT
from actionunits.experiments.embedded.labels import DOUBTFUL_AUS
from actionunits.experiments.embedded.measure import VIEWS
from actionunits.facs.units import action_unit

__all__ = ["card_page"]

_WIDTH = 118
#: Below this recall an AU is said to be weak, below this ICC its grades; groups of this size are compared.
WEAK_RECALL, WEAK_ICC, LARGE_GROUP = 0.35, 0.35, 20
_GROUPS_NOTE = (
    "By what the source of the photographs says of the people. The groups are small: this can show a "
    "failure, but no equality. (A failure that was seen here leads to the next version, for which it is no "
    "longer unseen.)"
)
#: Of weak AUs.
_SELDOM_CALLED = (
    "Not equally good at all AUs: {} are seldom called where they are shown (in brackets the share of "
    "animated faces), so that their absence says little."
)
_HARDLY_GRADED = (
    "Not grades for every AU: the intensities of {} hardly follow those that are animated (ICC in brackets), "
    "though the table writes them to two digits."
)
#: What finds the points, in words.
_FINDERS = {"own": "by the package's own network", "dlib": "by dlib's predictor"}


def card_page(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    test, real = card["test"]["animated"], card["test"]["real"]
    lines = ["# The embedded model", "", *_making(card), ""]
    if real:
        lines += _on_real_faces(card)
    if card["held_back"]:
        lines += _on_held_back(card)
    lines += [
        "## Per AU",
        "",
        *wrap(_table_note(card), _WIDTH),
        "",
        "| AU | name | base rate | AUC | F1 | recall | accuracy | calibration error | side told "
        "| intensity, ICC | AUC on a smile "
        "| threshold | called: real neutral | called: real smiles | shown on real faces |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for column, au in enumerate(card["aus"]):
        names = ("base_rate", "auc", "f1", "recall", "accuracy", "calibration", "sides", "icc")
        cells = [test[name][column] for name in names]
        on_smiles = card["test"]["on_smiles"]
        cells.append(on_smiles["auc"][column] if on_smiles else None)
        kinds = ("false_alarms_on_neutral", "called_on_smiles")
        called = [real[kind][str(au)] if real else None for kind in kinds]
        shown = " | ".join(_show(v) for v in (*cells, card["thresholds"][column], *called))
        lines.append(f"| {au} | {action_unit(au).name} | {shown} | {_real_evidence(au, card)} |")
    return "\n".join([*lines, "", *_limits(card)])


def _real_evidence(au: int, card: Mapping[str, Any]) -> str:
    """What real faces say of an AU."""
    real = card["test"]["real"]
    if not real:
        return "nothing"
    if str(au) in real["auc_smiling_against_neutral"]:
        return "posed smiles" if au == 12 else "posed smiles, uncoded"
    return "only its absence"


def _on_real_faces(card: Mapping[str, Any]) -> list[str]:
    real = card["test"]["real"]
    note = (
        f"Posed smile against neutral photograph, {real['people']} unseen people, with 95 % intervals over "
        "people."
    )
    if card["version"] != "1":
        note += " Earlier versions were scored on the same people; recipes were chosen on others."
    if card["recipe"]["model"]["smile_weight"]:
        note += " A share of what the last column measures is part of AU12's logit."
    return [
        "## On real faces",
        "",
        *wrap(note, _WIDTH),
        "",
        *_smile_table(real, "this model"),
        "",
        *_seeds(card),
        *_groups(card["test"]["groups"], _GROUPS_NOTE),
    ]


def _smile_table(real: Mapping[str, Any], by: str) -> list[str]:
    auc, ends = real["auc_smiling_against_neutral"], real["auc_intervals"]
    rule = _ranged(real["unlearned_rule_auc"], real["unlearned_rule_interval"])
    share = max(real["false_alarms_on_neutral"].values())
    most = f"{_show(share)} ({_of(share, real['neutral'])})"
    rows = [["AU12, ROC AUC", _ranged(auc["12"], ends["12"]), rule]]
    for au, what in (("6", "not every posed smile has it"), ("25", "not every smile parts the lips")):
        if au in auc:
            rows.append([f"AU{au}, ROC AUC ({what})", _ranged(auc[au], ends[au]), "-"])
    hits = real["au12_hit_rate"]
    own, of_rule = (real[name] for name in ("smile_above_own_neutral", "unlearned_rule_above_own_neutral"))
    rows += [
        ["smile above the person's own neutral face", _show(own), _show(of_rule)],
        ["AU12 called on smiling faces", f"{_show(hits)} ({_of(hits, real['smiles'])})", "-"],
        ["the AU most often called on neutral faces", most, "-"],
    ]
    return _table(["score", by, "mouth width and corner lift alone"], rows)


def _on_held_back(card: Mapping[str, Any]) -> list[str]:
    """What networks of the same recipe say of the people whom the shipped one learnt from."""
    held, folds, kept = card["held_back"], card["recipe"]["folds"], len(card["seeds_kept"])
    real, aus, animated = held["real"], card["aus"], held["animated"]
    others = f"{folds} other networks" if kept == 1 else f"{folds} other means of {kept} networks"
    note = (
        f"What {others} of the same recipe say, each of one part of the people, from whom it did not learn, "
        "at thresholds that the other parts alone would set. (All parts together set those of the file, by "
        "these photographs, by views as other cameras would have taken them and by animated faces and "
        "smiles.) They set the calibration, too: what hangs on that is too good here."
    )
    if card["recipe"]["model"]["smile_weight"]:
        note += " The share of the smile's measure in AU12's logit was chosen on them, too."
    if card["recipe"]["model"]["landmarks"] == "own":
        note += " The network that finds the points did learn from some of them."
    note += (
        f" On {animated['pictures']:,} animated faces, mean of {len(aus)} AUs: AUC "
        f"{_show3(_mean(animated['auc']))}, F1 {_show3(_mean(animated['f1']))}; the greatest calibration "
        f"error is {_show3(_greatest(animated['calibration']))}."
    )
    lines = ["## On the people learnt from, held back in turn", "", *wrap(note, _WIDTH), ""]
    if not real:
        return lines
    called = {au: share for au, share in real["false_alarms_on_neutral"].items() if share}
    told = ", ".join(f"AU{au} on {round(share * real['neutral'])}" for au, share in called.items())
    pairs = held["pairs"] or real
    whose = f"These are {pairs['people']} people with both photographs."
    if not held["pairs"]:
        whose = "Nobody is there with both photographs: smiles of some are set against others' neutral faces."
    note = (
        f"{whose} Called on the {real['neutral']} neutral photographs of all whose source says that they "
        f"are: {told or 'none'}."
    )
    if card["test"]["real"]:
        note += " " + _called_on_anybody(real, card["test"]["real"])
    return [
        *lines,
        *_smile_table(pairs, "networks that did not see them"),
        "",
        *wrap(note, _WIDTH),
        "",
        *_groups(held["groups"], "By what the source of the photographs says of the people, where it does."),
    ]


def _called_on_anybody(held: Mapping[str, Any], tested: Mapping[str, Any]) -> str:
    """Which AU is most often called on a neutral face of all who were not learnt from by what scores them."""
    number = held["neutral"] + tested["neutral"]
    shares = "false_alarms_on_neutral"
    counts = {
        au: sum(round(part[shares][au] * part["neutral"]) for part in (held, tested)) for au in held[shares]
    }
    most = max(counts.values())
    *others, last = [f"AU{au}" for au, count in counts.items() if count == most]
    which = f"{', '.join(others)} and {last}" if others else last
    upper = _show3(float(beta.ppf(0.975, most + 1, number - most)) if most < number else 1.0)
    each = " each" if others else ""
    told = (
        f"is {which}, {most}{each} ({_show3(most / number)}, 95 % interval up to {upper})"
        if most
        else "is none"
    )
    return (
        f"With the test people that makes {number} neutral photographs, each scored by networks that did not "
        "learn from the person and at thresholds that others set; what is most often called on them "
        f"{told}. (Those held back chose which seeds are kept and the rule by which thresholds are set.)"
    )


def _of(share: float, count: int) -> str:
    return f"{round(share * count)} of {count}"


def _greatest(values: Sequence[float | None]) -> float | None:
    return max(_known(values), default=None)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    known = _known(values)
    return sum(known) / len(known) if known else None


def _seeds(card: Mapping[str, Any]) -> list[str]:
    if len(card["seeds"]) < 2:
        return []
    judged = "held back" if card["recipe"]["folds"] else "validation"
    head = ["seed", judged, "AU12", "AU6", "smile above own neutral", "most called on neutral"]
    names = ("smile_above_own_neutral", "most_called_on_neutral", "animated_auc")
    rows = []
    kept = card["seeds_kept"]
    for each in card["seeds"]:
        auc = each["smiling_auc"]
        scores = [each["validation_score"], auc.get("12"), auc.get("6"), *(each[name] for name in names)]
        shipped = "" if each["seed"] not in kept else " (shipped)" if len(kept) == 1 else " (in the mean)"
        rows.append([f"{each['seed']}{shipped}", *map(_show3, scores)])
    note = "Trainings that differ in their seed only, on the same people; the validation people chose:"
    if card["recipe"]["folds"]:
        note = (
            "Trainings that differ in their seed only, on the same people. Held back: the score (half the "
            "mean AUC of animated AUs at rest and on smiles, half that of AU6 and AU12 on photographs in "
            f"{VIEWS} views) that the seed's other networks reach on the people from whom they did not "
            f"learn; it chose which are kept, whose mean has {_show3(card['validation_score'])}:"
        )
    elif len(kept) > 1:
        note = (
            "Trainings that differ in their seed only, on the same people. The validation people chose the "
            f"{len(kept)} whose mean is shipped; by them, the mean's score is "
            f"{_show3(card['validation_score'])}:"
        )
    return [*wrap(note, _WIDTH), "", *_table([*head, "animated, mean AUC"], rows), ""]


def _groups(groups: Mapping[str, Mapping[str, Any]], note: str) -> list[str]:
    if not groups:
        return []
    rows = []
    for name, group in groups.items():
        auc = group["auc_smiling_against_neutral"]
        alarms = group["false_alarms_on_neutral"]
        scores = [auc["12"], auc.get("6"), group["au12_hit_rate"], alarms["12"], max(alarms.values())]
        rows.append([name, str(group["people"]), *map(_show, scores)])
    head = ["people", "number", "AU12, ROC AUC", "AU6, ROC AUC", "AU12 called on smiles", "on neutral"]
    head.append("most called on neutral")
    return [*wrap(note, _WIDTH), "", *_table(head, rows), ""]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _ranged(value: float | None, ends: Sequence[float | None]) -> str:
    return f"{_show3(value)} [{_show3(ends[0])}, {_show3(ends[1])}]"


def _making(card: Mapping[str, Any]) -> list[str]:
    subjects = card["subjects"]
    way = f"3-D face model `{card['face_model']}` and 2-D warps" if card["face_model"] else "2-D warps"
    made_of = len(subjects["train"])
    scored_on = len(subjects["test"])
    members = len(card["seeds_kept"])
    nets = "one network" if members == 1 else f"the mean of {members} networks"
    together = "" if members == 1 else " together"
    what = (
        f"Version {card['version']}, made with {card['made_with']}: {nets} of {card['parameters']:,} "
        f"parameters{together} over the aligned grey face and its 68 points, for the occurrence, the "
        f"intensity and the intensity on either side of {len(card['aus'])} Action Units."
    )
    if weight := card["recipe"]["model"]["smile_weight"]:
        what += (
            f" AU12's logit has {weight:g} times the mouth's width and the lift of its corners (in "
            "inter-ocular distances) added."
        )
    if card["eight_bits"]:
        what += (
            " Its file works in 8 bits. Thresholds and scores are those of the file; the single seeds were "
            "scored in 32 bits, before their mean was taken."
        )
    data, photographs = card["recipe"]["data"], card["photographs"]
    how = (
        f"Photographs of {made_of} people, animated ({way}) into {data['pictures']:,} pictures with known AU "
        "intensities of each side, degraded as cameras do, aligned by the points that are found in them "
        f"({_FINDERS[card['recipe']['model']['landmarks']]}); "
        f"{data['mixed_share']:.0%} of those who do not smile have a second person's features and skin mixed "
        "in; "
        f"{data['smiling_share']:.0%} of the animated faces smile in the photograph, with AUs 1, 2, 4, 5 or "
        f"9 on top{_doubtful(data, photographs)}. {_drawn(data)}"
        f"{data['real_share']:.0%} of the pictures are photographs as they are: {photographs['neutral']} "
        f"neutral ones (all AUs absent) and {photographs['smiling']} smiles, weakly labelled: 12 is present; "
        "where the lips are clearly parted 25 and 6 are too, and 10, 14, 15, 17, 20, 23 and 24 are absent, "
        f"as posed joy is coded in published sets; the rest is unknown. {_chosen(card)}. Where nothing "
        f"else is said, scores are of {scored_on} other people. No licensed FACS-coded recording was used, "
        "and no human FACS coder has checked its output."
    )
    return [*wrap(what, _WIDTH), "", "## How it was made", "", *wrap(how, _WIDTH)]


def _chosen(card: Mapping[str, Any]) -> str:
    """Who chose what had to be chosen."""
    if folds := card["recipe"]["folds"]:
        chosen = ""
        if some := card["recipe"]["chosen_on"]:
            chosen = (
                f"Earlier versions' recipe was chosen on {some} of these people, when nothing learnt from "
                "them. "
            )
        return (
            f"{chosen}The calibration and the thresholds were set by what other networks, each of which did "
            f"not learn from one of {folds} parts of the people, say of that part: of all neutral "
            f"photographs, in {VIEWS} views each, at most {CALLED_AT_REST:.0%} are called, and of all faces "
            f"without an AU, neutral and animated ones together, at most {CALLED_WITHOUT:.0%}"
        )
    return (
        "The epoch, the calibration and the thresholds were chosen on "
        f"{len(card['subjects']['validation'])} other people"
    )


def _doubtful(data: Mapping[str, Any], photographs: Mapping[str, int]) -> str:
    """Of the mouths of which nobody knows, if any are learnt from."""
    if not data["doubtful_share"] or not photographs["doubtful"]:
        return ""
    *unknown, last = DOUBTFUL_AUS
    return (
        f", and {data['doubtful_share']:.0%} of the others are of {photographs['doubtful']} portraits whose "
        f"lips are together but who may smile (AUs {', '.join(map(str, unknown))} and {last} of them are "
        "unknown, and 25 where it was not added)"
    )


def _drawn(data: Mapping[str, Any]) -> str:
    """How lips and people are evened out, if they are."""
    said = ""
    if share := data["lip_tones_share"]:
        said += f"The lips of {share:.0%} of the pictures are made darker or lighter, each by itself. "
    if data["even_groups"]:
        said += "Where a source names people's apparent ethnicity, each is drawn as often as another. "
    return said


def _table_note(card: Mapping[str, Any]) -> str:
    note = (
        f"{card['test']['animated']['pictures']:,} animated pictures of the unseen people, as version "
        f"{card['animation']} of the animation draws them (scores on other versions' pictures are not "
        "comparable). Recall: of faces that show the AU, the share that it is called on. Calibration error: "
        "how far probabilities are from the share that is shown. Side told: of faces where one side is "
        "stronger by two grades or more, the share where the model says which."
    )
    note += " Intensity: ICC(3,1) of what `au detect` writes (0 to 5) with what was animated."
    scores = card["test"]["animated"]
    note += (
        f" Means over the AUs: AUC {_show3(_mean(scores['auc']))}, F1 {_show3(_mean(scores['f1']))}, ICC "
        f"{_show3(_mean(scores['icc']))}."
    )
    if on_smiles := card["test"]["on_smiles"]:
        note += (
            f" AUC on a smile: of {on_smiles['pictures']:,} pictures of faces that smile in the photograph, "
            "with upper-face AUs animated on top (greatest calibration error there "
            f"{_show3(_greatest(on_smiles['calibration']))})."
        )
    if not card["test"]["real"]:
        return note
    return note + (
        " The columns after the threshold are their photographs: the share above it. A call on a neutral "
        "face is a false alarm; on a posed smile 12 is right and 6, 25 and 7 often are. The last column says "
        "what real faces could show at all: of most AUs only that they are not called where nothing is."
    )


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _show3(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _limits(card: Mapping[str, Any]) -> list[str]:
    yaw, pitch, eyes = (card["tested"][name] for name in ("yaw_deg", "pitch_deg", "inter_ocular_px"))
    return [
        "## What it is not",
        "",
        *_listed(_weak(card, "recall", WEAK_RECALL, _SELDOM_CALLED)),
        *_listed(_weak(card, "icc", WEAK_ICC, _HARDLY_GRADED)),
        *_listed(_unlike_groups(card)),
        "- Not validated against FACS coders. Rendered faces are not real: a score on animated pictures says",
        "  that the network learned the animation, not that it reads spontaneous faces as well.",
        f"- Only frontal faces (yaw to {yaw:.0f} and pitch to {pitch:.0f} degrees, {eyes:.0f} px or more "
        "between the eyes:",
        "  `au detect` flags others), adults, mostly of the groups in the portraits.",
        "- Intensities are those of animated faces: nobody coded a photograph. AU6's was learnt without any",
        "  from real smiles: use its probability. (AU12's rises with the smile.)",
        "- AU6 was learnt from broad smiles without codes: it is called where a smile parts the lips, seldom",
        "  elsewhere. It does not tell felt from posed (Duchenne) smiles.",
        "- Brows that are raised a little at rest may be called AU2 or AU5. What glasses and age do was not",
        "  looked into.",
        "- A hand before the face is not noticed: before the mouth it may be called AU25, 26, 9, 10 or 12,",
        "  with a high intensity, at the chin AU2. The column `confidence` is lower there: look at it.",
        "- Full lips, dark above and light below, are set apart by the points though they are shut: AU25 may",
        "  be called for it.",
        "- Probabilities are calibrated for the base rates of the animated pictures, not of your video.",
        "- Emotions, intentions, health or honesty cannot be read from Action Units alone.",
        *_points_note(card),
        "",
    ]


def _listed(text: str) -> list[str]:
    return wrap(text, _WIDTH - 14, initial_indent="- ", subsequent_indent="  ") if text else []


def _weak(card: Mapping[str, Any], score: str, limit: float, told: str) -> str:
    """What is ``told`` of the AUs ``{}`` whose score on animated test people lies below a limit, if any."""
    scores = zip(card["aus"], card["test"]["animated"][score], strict=True)
    weak = [f"AU{au} ({_show(value)})" for au, value in scores if value is not None and value < limit]
    return told.format(", ".join(weak)) if weak else ""


def _unlike_groups(card: Mapping[str, Any]) -> str:
    """Between which groups of those held back AU12 differs most."""
    groups = card["held_back"]["groups"] if card["held_back"] else {}
    known = {
        name: group["auc_smiling_against_neutral"]["12"]
        for name, group in groups.items()
        if group["people"] >= LARGE_GROUP and group["auc_smiling_against_neutral"]["12"] is not None
    }
    if len(known) < 2:
        return ""
    worst, best = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    rule = groups[worst]["unlearned_rule_auc"]
    return (
        f"Not equally good at all people: among those held back, in groups of {LARGE_GROUP} or more, AU12 is "
        f"ranked best for {best.split(': ')[1]} ({_show3(known[best])}) and worst for "
        f"{worst.split(': ')[1]} people "
        f"({_show3(known[worst])}; mouth width and corner lift alone: {_show3(rule)})."
    )


def _points_note(card: Mapping[str, Any]) -> list[str]:
    if card["recipe"]["model"]["landmarks"] != "dlib":
        return []
    return [
        "- It reads the points of dlib's predictor, which was trained on iBUG 300-W: not for commercial use."
    ]
