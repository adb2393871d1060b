"""SWAP-NAS: evolutionary search with a score that needs no training, and random search at the same cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...checks import real_number, seed_number, shown, whole_number
from ...errors import InputError
from ...partition import Status
from ..spaces.space import Space
from .ledger import Ledger, Stop
from .objective import SizeTarget, SwapObjective, network_parameters, objective_with_size
from .record import SearchResult

# So many draws in a row that only gave known architectures mean that there are hardly others.
ATTEMPTS = 1000
POPULATION, TOURNAMENT = 30, 8

Score = Callable[[Any], float]


def search(
    space: Space[Any],
    *,
    score: Score | None = None,
    size_target: float | None = None,
    size_width: float | None = None,
    size_network: str = "full",
    evaluations: int = 200,
    population: int | None = None,
    tournament: int | None = None,
    mutations: int = 4,
    seed: int = 0,
    time_limit: float | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> SearchResult:
    """Search a space by evolution, without training anything (SWAP-NAS).

    It starts with `population` random architectures.  In every cycle a parent is, by the toss of a coin, the best of
    `tournament` random members or a crossover of the best member and the second best; the parent has `mutations`
    children that differ from it in one choice; the best of the family that is not a member yet comes in, and the worst
    member goes.  A cycle that meets nothing new takes one random architecture in, so that the search goes on.

    No architecture is scored twice.  The same `seed` gives the same search, unless the time limit or Ctrl-C ends it.

    Args:
        space: a search space, such as `find_space("nb201")`.
        score: a function of an architecture, larger is better; `SwapObjective(space, seed=seed)` by default.
        size_target: wanted number of parameters, such as 3.3e6; log(score) - ((Theta - target) / width)^2 is then
            maximised, the regularised SWAP-Score in a form that cannot underflow.
        size_width: how many parameters away from the target cost a factor e; a quarter of the target by default.
        size_network: "full": Theta is of the network that is meant to be trained; "proxy": of the one that is scored.
        evaluations: how many architectures to score.
        population: members, at most `evaluations`; 30 by default, or fewer where there are fewer evaluations.
        tournament: members that compete to be the parent, at most `population`; 8 by default, or fewer.
        mutations: children of a parent.
        seed: of every random choice.
        time_limit: seconds; None is no limit.  One architecture is scored in any case.
        progress: called after every evaluation with (fraction of the evaluations, evaluations).

    Returns:
        A `SearchResult`; after Ctrl-C or at the time limit, of what was done.

    Raises:
        InputError: an argument cannot be used, or a score is not a number.

    Source: Peng, Song, Fayek, Ciesielski, Chang, "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS" (ICLR
    2024), the evolutionary search.  Its hyper-parameters were not published with code; these are ours.

    Example:
        >>> from linregions.scores.spaces import find_space
        >>> found = search(find_space("nb201"), score=lambda cell: cell.count("nor_conv_3x3"), evaluations=150)
        >>> found.score, found.evaluations, found.stopped_by
        (6.0, 150, 'evaluations')
    """
    settings = _evolution_settings(evaluations, population, tournament, mutations)

    def run(ledger: Ledger, rng: np.random.Generator) -> None:
        _evolve(ledger, rng, settings)

    size = _size(size_target, size_width, size_network)
    return _run(run, "evolution", space, score, size, settings, seed, time_limit, progress)


def random_search(
    space: Space[Any],
    *,
    score: Score | None = None,
    size_target: float | None = None,
    size_width: float | None = None,
    size_network: str = "full",
    evaluations: int = 200,
    seed: int = 0,
    time_limit: float | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> SearchResult:
    """Score random architectures, each different, and take the best: what a search has to be better than.

    With the same number of evaluations it costs what `search` costs; the arguments are those of `search`.

    Raises:
        InputError: an argument cannot be used, or a score is not a number.

    Example:
        >>> from linregions.scores.spaces import find_space
        >>> found = random_search(find_space("nb201"), score=lambda cell: cell.count("nor_conv_3x3"), evaluations=150)
        >>> found.evaluations == len({step.text for step in found.history}) == 150
        True
    """
    settings = {"evaluations": whole_number(evaluations, "evaluations")}

    def run(ledger: Ledger, rng: np.random.Generator) -> None:
        while True:
            ledger.score(_fresh(ledger, rng), "random")

    size = _size(size_target, size_width, size_network)
    return _run(run, "random", space, score, size, settings, seed, time_limit, progress)


def _run(
    run: Callable[[Ledger, np.random.Generator], None],
    method: str,
    space: Space[Any],
    score: Score | None,
    size: SizeTarget | None,
    settings: dict[str, Any],
    seed: int,
    time_limit: float | None,
    progress: Callable[[float, int], None] | None,
) -> SearchResult:
    seed = seed_number(seed)
    if score is not None and not callable(score):
        raise InputError(f"score must be a function of an architecture or None, got {shown(score)}")
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function of (fraction, evaluations) or None, got {shown(progress)}")
    base = SwapObjective(space, seed=seed) if score is None else score
    limit = checked_limit(time_limit)
    ledger = Ledger(space, objective_with_size(base, space, size), settings["evaluations"], limit, progress)
    try:
        run(ledger, np.random.default_rng(seed))
        reason = "evaluations"
    except Stop as stop:
        reason = stop.reason
    except KeyboardInterrupt:
        if not ledger.history:
            raise
        reason = "interrupted"
    best = ledger.best
    return SearchResult(
        space=space.name,
        method=method,
        objective=getattr(base, "name", None) or getattr(base, "__name__", type(base).__name__),
        architecture=best.architecture,
        text=best.text,
        score=best.score,
        parameters=network_parameters(space, best.architecture),
        proxy_parameters=network_parameters(space, best.architecture, network="proxy"),
        history=tuple(ledger.history),
        requests=ledger.requests,
        seed=seed,
        settings=settings | {"size_target": size.as_dict() if size else None},
        status={"time": Status.BUDGET, "interrupted": Status.INTERRUPTED}.get(reason, Status.COMPLETE),
        stopped_by=reason,
        seconds=ledger.seconds,
    )


def _evolve(ledger: Ledger, rng: np.random.Generator, settings: dict[str, Any]) -> None:
    members: dict[Any, float] = {}
    for _ in range(settings["population"]):
        newcomer = _fresh(ledger, rng)
        members[newcomer] = ledger.score(newcomer, "random")
    while True:
        before = len(ledger.history)
        family = _family(ledger, rng, members, settings)
        if len(ledger.history) == before:
            newcomer = _fresh(ledger, rng)
            family[newcomer] = ledger.score(newcomer, "random")
        outsiders = {a: value for a, value in family.items() if a not in members}
        if outsiders:
            best = max(outsiders, key=outsiders.__getitem__)
            members[best] = outsiders[best]
            del members[min(members, key=members.__getitem__)]


def _family(
    ledger: Ledger, rng: np.random.Generator, members: dict[Any, float], settings: dict[str, Any]
) -> dict[Any, float]:
    """The scores of a parent, if it is new, and of its children."""
    family: dict[Any, float] = {}
    if len(members) > 1 and rng.integers(2):
        first, second = sorted(members, key=members.__getitem__, reverse=True)[:2]
        parent = ledger.space.crossover(first, second, rng)
        family[parent] = ledger.score(parent, "crossover")
    else:
        names = list(members)
        rivals = rng.choice(len(names), size=settings["tournament"], replace=False)
        parent = max((names[i] for i in rivals), key=members.__getitem__)
    for _ in range(settings["mutations"]):
        child = ledger.space.mutate(parent, rng)
        family[child] = ledger.score(child, "mutation")
    return family


def _fresh(ledger: Ledger, rng: np.random.Generator) -> Any:
    """A random architecture that was not scored yet."""
    if ledger.space.size is not None and len(ledger.scores) >= ledger.space.size:
        raise Stop("exhausted")
    for _ in range(ATTEMPTS):
        architecture = ledger.space.sample(rng)
        if architecture not in ledger.scores:
            return architecture
    raise Stop("exhausted")


def _evolution_settings(evaluations: Any, population: Any, tournament: Any, mutations: Any) -> dict[str, Any]:
    evaluations = whole_number(evaluations, "evaluations")
    population = min(POPULATION, evaluations) if population is None else whole_number(population, "population")
    tournament = min(TOURNAMENT, population) if tournament is None else tournament
    if population > evaluations:
        raise InputError(
            f"population must be at most evaluations ({evaluations}), got {population}; it is scored first"
        )
    return {
        "evaluations": evaluations,
        "population": population,
        "tournament": whole_number(tournament, "tournament", most=population),
        "mutations": whole_number(mutations, "mutations"),
    }


def _size(target: Any, width: Any, network: Any) -> SizeTarget | None:
    if target is None:
        if width is not None:
            raise InputError(f"size_width goes with size_target, got {shown(width)} alone; give both")
        return None
    return SizeTarget(target, width, network)


def checked_limit(time_limit: Any) -> float | None:
    """The seconds of a time limit, None where there is none."""
    if time_limit is None:
        return None
    number = real_number(time_limit, "time_limit")
    if not number > 0.0:
        raise InputError(f"time_limit must be a positive number of seconds, got {shown(time_limit)}")
    return None if math.isinf(number) else number
