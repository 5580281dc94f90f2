"""Computes the figures of a study again from its Parquet files and compares them with its summary.json.

  python study_figures.py OUT

Figures agree within 1e-9; what is drawn at random agrees within Monte-Carlo error.
"""

import itertools
import json
import pathlib
import sys

import duckdb
import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, roc_auc_score

TOLERANCE = 1e-9
DRAWS = 4000
# Draws of each bootstrap that scikit-learn computes, too.
SURE = 5
checked = 0


def same(found, expected, what):
    global checked
    checked += 1
    if found is None or abs(found - expected) > TOLERANCE:
        sys.exit(f"{what}: {found} is not {expected}")


def units(rows, classes, unit):
    """Frames, clips by the mean of their frames, patients by that of their clips: truths, groups, probabilities."""
    columns = [f"p_{name}" for name in classes]
    if unit == "frame":
        clips = rows.sort_values(["clip", "frame"])
    else:
        clips = rows.groupby(["clip", "group", "true_class"], sort=True)[columns].mean().reset_index()
    if unit == "patient":
        clips = clips.groupby(["group", "true_class"], sort=True)[columns].mean().reset_index()
    truths = clips.true_class.map({name: place for place, name in enumerate(classes)}).to_numpy()
    return truths, clips.group.to_numpy(), clips[columns].to_numpy()


def macro_auc(truths, probabilities, weights=None):
    # Means of the same votes in another order differ by rounding and are a tie.
    probabilities = np.round(probabilities, 12)
    areas = [
        roc_auc_score(truths == place, probabilities[:, place], sample_weight=weights)
        for place in range(probabilities.shape[1])
    ]
    return float(np.mean(areas))


def accuracy(truths, probabilities, weights=None):
    return balanced_accuracy_score(truths, probabilities.argmax(1), sample_weight=weights)


def calibration_error(truths, probabilities):
    order = np.argsort(probabilities.max(1), kind="stable")
    confidence, right = probabilities.max(1)[order], (probabilities.argmax(1) == truths)[order]
    count, total = len(order), 0.0
    for place in range(5):
        part = slice(place * count // 5, (place + 1) * count // 5)
        size, share = part.stop - part.start, right[part].mean()
        total += size * ((confidence[part].mean() - share) ** 2 - share * (1 - share) / (size - 1))
    return max(total / count, 0.0) ** 0.5


def sign_flips(differences):
    """Exact two-sided p, and how many differ."""
    differences = np.array([value for value in differences if value != 0.0])
    if len(differences) > 16:
        return None, len(differences)
    reached = abs(differences.sum()) - 1e-12 * abs(differences).sum()
    signs = itertools.product([1, -1], repeat=len(differences))
    return float(np.mean([abs(np.dot(sign, differences)) >= reached for sign in signs])), len(differences)


def contributions(truths, probabilities, metric):
    """What each unit adds to a figure."""
    counts = np.bincount(truths, minlength=probabilities.shape[1])
    if metric == "balanced-accuracy":
        return (probabilities.argmax(1) == truths) / (np.count_nonzero(counts) * counts[truths])
    sums = np.zeros(len(truths))
    probabilities = np.round(probabilities, 12)
    for place in range(probabilities.shape[1]):
        scores, positive = probabilities[:, place], truths == place
        for unit, score in enumerate(scores):
            others = scores[positive != positive[unit]]
            above = (score > others) if positive[unit] else (score < others)
            share = np.mean(above + 0.5 * (score == others))
            sums[unit] += share / (2 * np.count_nonzero(positive == positive[unit]) * probabilities.shape[1])
    return sums


def weighted(truths, probabilities, metric):
    """A figure as a function of the weights of units: the same as scikit-learn's, and fast enough to be drawn often."""
    probabilities = np.round(probabilities, 12) if metric == "macro-auc" else probabilities
    classes = range(probabilities.shape[1])
    if metric != "macro-auc":
        right = probabilities.argmax(1) == truths
        present = [truths == place for place in classes if np.any(truths == place)]
        return lambda weights: np.mean([weights[of] @ right[of] / weights[of].sum() for of in present])
    pairs = []
    for place in classes:
        scores, positive = probabilities[:, place], truths == place
        above, below = scores[positive][:, None], scores[~positive][None, :]
        pairs.append((positive, (above > below) + 0.5 * (above == below)))

    def macro(weights):
        areas = [weights[of] @ won @ weights[~of] / (weights[of].sum() * weights[~of].sum()) for of, won in pairs]
        return float(np.mean(areas))

    return macro


def bootstrap(of_seeds, metric, random):
    """Draws of the difference: groups and seeds, and groups alone."""
    truths, groups, _ = of_seeds[0][0]
    names, places = np.unique(groups, return_inverse=True)
    strata = np.array([np.bincount(truths[places == place]).argmax() for place in range(len(names))])
    figure = macro_auc if metric == "macro-auc" else accuracy
    fast = [[weighted(truths, probabilities, metric) for truths, _, probabilities in pair] for pair in of_seeds]
    both, alone = [], []
    for draw in range(DRAWS):
        weights = np.zeros(len(names))
        for stratum in np.unique(strata):
            members = np.flatnonzero(strata == stratum)
            np.add.at(weights, random.choice(members, len(members)), 1)
        units_weights = weights[places]
        if draw < SURE:
            kept = units_weights > 0
            for pair, figures in zip(of_seeds, fast):
                for (truths, _, probabilities), of in zip(pair, figures):
                    same(of(units_weights), figure(truths[kept], probabilities[kept], units_weights[kept]), "a draw")
        values = np.array([a(units_weights) - b(units_weights) for a, b in fast])
        both.append(values[random.integers(len(values), size=len(values))].mean())
        alone.append(values.mean())
    return np.array(both), np.array(alone)


def last_looks(rows):
    last = rows.groupby(["seed", "fold"]).epochs.transform("max")
    return rows[rows.epochs == last]


def check(out):
    summary = json.loads((out / "summary.json").read_text())
    random = np.random.default_rng(7)
    p_values, corrected = [], []
    for data in summary["data"]:
        files = sorted((out / "predictions" / data["name"]).glob("*.parquet"))
        rows = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
        pattern = out / "predictions" / data["name"] / "*.parquet"
        counted = duckdb.sql(f"select count(*), sum(\"p_{data['classes'][0]['name']}\") from '{pattern}'").fetchone()
        same(float(counted[0]), float(len(rows)), "rows by DuckDB")
        same(counted[1], rows[f"p_{data['classes'][0]['name']}"].sum(), "a column by DuckDB")
        classes = [of["name"] for of in data["classes"]]
        for table in (table for table in summary["tables"] if table["data"] == data["name"]):
            of_table = rows.evaluation.isin([table["evaluation"], "baseline"]) & (rows.labels == table["labels"])
            asked = rows[of_table]
            of_method = {}
            for entry in table["entries"]:
                mine = last_looks(asked[asked.method == entry["method"]])
                of_method[entry["method"]] = {seed: mine[mine.seed == seed] for seed in entry["seeds"]}
                if entry["scores"] is None:
                    continue
                for unit in ("patient", "clip"):
                    found = entry["scores"][unit]
                    seeds = [units(rows, classes, unit) for rows in of_method[entry["method"]].values()]
                    where = f"{table['data']} {table['evaluation']} {table['labels']} {entry['method']} {unit}"

                    def mean(figure):
                        return float(np.mean([figure(truths, probabilities) for truths, _, probabilities in seeds]))

                    same(found["balanced_accuracy"]["mean"], mean(accuracy), f"{where} balanced accuracy")
                    f1 = mean(lambda t, p: f1_score(t, p.argmax(1), average="macro"))
                    same(found["macro_f1"]["mean"], f1, f"{where} F1")
                    same(found["auc"]["mean"], mean(macro_auc), f"{where} AUC")
                    labels = list(range(len(classes)))
                    loss = mean(lambda t, p: log_loss(t, p, labels=labels))
                    same(found["log_loss"]["mean"], loss, f"{where} log loss")
                    brier = mean(lambda t, p: ((p - np.eye(len(classes))[t]) ** 2).sum(1).mean())
                    same(found["brier"]["mean"], brier, f"{where} Brier score")
                    if found.get("calibration_error") is not None:
                        same(found["calibration_error"], mean(calibration_error), f"{where} calibration error")
                    if len(seeds) > 1:
                        each = [accuracy(truths, probabilities) for truths, _, probabilities in seeds]
                        same(found["balanced_accuracy"]["sd"], float(np.std(each, ddof=1)), f"{where} sd")
            for compared in table["comparisons"]:
                a, b = (of_method[compared[key]] for key in ("better", "baseline"))
                pairs = [[units(of[seed], classes, "patient") for of in (a, b)] for seed in a if seed in b]
                where = f"{table['data']} {table['evaluation']} {compared['better']} minus {compared['baseline']}"
                metric = compared["metric"]
                figure = macro_auc if metric == "macro-auc" else accuracy
                by_seed = [figure(x[0], x[2]) - figure(y[0], y[2]) for x, y in pairs]
                same(compared["difference"]["mean"], float(np.mean(by_seed)), f"{where} difference")
                gains = np.mean([contributions(x[0], x[2], metric) - contributions(y[0], y[2], metric) for x, y in pairs], 0)
                gains[abs(gains) < 1e-15] = 0.0
                by_group = pd.Series(gains).groupby(pairs[0][0][1]).sum()
                p, differing = sign_flips(by_group.where(by_group.abs() > 1e-14, 0.0))
                if p is not None:
                    same(compared["p_groups"], p, f"{where} p over groups")
                    same(float(compared["differing_groups"]), float(differing), f"{where} differing groups")
                if len(by_seed) > 1:
                    same(compared["p_seeds"], sign_flips(np.round(by_seed, 14))[0], f"{where} p over seeds")
                    se = float(np.std(by_seed, ddof=1)) / len(by_seed) ** 0.5
                    same(compared["difference"]["se_seeds"], se, f"{where} standard error of seeds")
                p_values.append(compared["p_value"])
                corrected.append(compared["p_holm"])
                both, alone = bootstrap(pairs, metric, random)
                groups = compared["difference"].get("se_groups") or 0.0
                if abs(groups - alone.std(ddof=1)) > 0.1 * groups + 1e-12:
                    sys.exit(f"{where}: standard error of groups {groups}, here {alone.std(ddof=1)}")
                for end, share in (("low", 0.025), ("high", 0.975)):
                    value = compared["difference"][end]
                    below, up_to = np.mean(both < value - 1e-12), np.mean(both <= value + 1e-12)
                    if not below - 0.015 <= share <= up_to + 0.015:
                        sys.exit(f"{where}: {end} {value} stands at {below} to {up_to} of the draws here")
                power = norm.ppf(0.975) + norm.ppf(0.8)
                seeds = compared["difference"].get("se_seeds") or 0.0
                if compared.get("detectable") is not None and abs(
                    compared["detectable"] - power * np.hypot(groups, seeds)
                ) > 1e-8:
                    sys.exit(f"{where}: detectable {compared['detectable']}")
    if len(p_values) == summary["tests"]:
        order, least = np.argsort(p_values, kind="stable"), 0.0
        for rank, place in enumerate(order):
            least = max(least, min(1.0, p_values[place] * (len(p_values) - rank)))
            same(corrected[place], least, "Holm")


if __name__ == "__main__":
    check(pathlib.Path(sys.argv[1]))
    print(f"{checked} figures are the same")
