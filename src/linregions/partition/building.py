"""Build the polyhedral complex of a partition: one more run of the engine, which lists vertices and facets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import MaxGroups
from ..domain import Domain
from ..errors import InputError
from ..machine import cores, memory
from ..network import Network
from . import lattice
from .complex import Column, Complex
from .count import Status

if TYPE_CHECKING:
    from .partition import Partition

# The arrays that are made of the engine's lists take about three times their memory, beside them.
LATER = 4


def build(partition: Partition, *, threads: int | None = None) -> Complex:
    """The complex of a complete partition; its regions are those of the partition, in their order.

    Args:
        partition: a complete list of regions.
        threads: worker threads; None takes the cores of this process.

    Raises:
        InputError: the partition is not complete, or the complex does not fit into memory.
    """
    count = partition.count
    if count.status is not Status.COMPLETE:
        raise InputError(f"complex: the list of regions is not complete ({count.reason}); list it without that limit")
    if len(partition) != count.value:
        have = f"{len(partition):,} of {count.value:,} regions"
        raise InputError(f"complex: this partition holds {have}; list them all in memory with enumerate_regions")
    partition._need_vertices()
    engine = partition._engine
    if not hasattr(engine, "start_complex"):
        raise InputError(
            "complex: these regions were listed by linear programs, which see no vertices; use engine='cells' on a "
            "domain of at most 8 dimensions"
        )
    engine.start_complex(threads or cores(), memory() // LATER)
    wait_for(engine, "complex")
    found = engine.complex()
    if not np.array_equal(found["patterns"], partition.packed.ravel()):
        raise InputError(
            "complex: an exact run finds other regions, or in another order; "
            "list them with enumerate_regions and exact=True"
        )
    nothing = np.zeros(0, dtype=np.int64)
    domain = Complex(**_fields(found["domain"]), columns=(), bits=nothing, domain_f_vector=(), partition=partition)
    out = Complex(
        **_fields(found),
        columns=_columns(partition.network, partition.domain, unbounded=engine.unbounded()),
        bits=found["bits"],
        domain_f_vector=lattice.face_numbers(domain),
        partition=partition,
    )
    lattice.check_facets(out)
    return out


def wait_for(engine: Any, what: str) -> None:
    """Listen to Ctrl-C while the engine works in its own threads.

    Raises:
        InputError: it ended with an error.
    """
    interrupted: BaseException | None = None
    while True:
        try:
            if engine.wait(0.02):
                break
        except KeyboardInterrupt as error:
            interrupted = error
            engine.stop()
    if interrupted is not None:
        raise interrupted
    if engine.state()["error"]:
        raise InputError(f"{what}: {engine.state()['error']}; use a smaller domain or a smaller network")


def _fields(found: dict[str, Any]) -> dict[str, Any]:
    (region_indptr, region_vertices), (facet_indptr, facet_vertices) = found["regions"], found["facets"]
    columns_indptr, columns = found["facet_columns"]
    out = {
        "planes": found["keys"].transpose(1, 0, 2),
        "points": found["points"],
        "directions": found["directions"],
        "radii": found["radii"],
        "far": found["far"].astype(bool),
        "region_indptr": region_indptr,
        "region_vertices": region_vertices,
        "facet_indptr": facet_indptr,
        "facet_vertices": facet_vertices,
        "facet_regions": found["facet_regions"],
        "facet_columns_indptr": columns_indptr,
        "facet_columns": columns,
    }
    for array in out.values():
        array.flags.writeable = False
    return out


def _columns(net: Network, domain: Domain, *, unbounded: bool) -> tuple[Column, ...]:
    """In the order of the engine's signs: the stages up to the last that splits, half-spaces, sides of the box."""
    out: list[Column] = []
    at = 0
    for s, stage in enumerate(net.stages):
        act = stage.activation
        for u, pieces in enumerate(act.pieces):
            pattern = at if pieces > 1 else -1
            if isinstance(act, MaxGroups):
                pairs = itertools.combinations(range(int(pieces)), 2)
                out += [Column("unit", s, u, rows=pair, pattern=pattern) for pair in pairs]
            else:
                out += [Column("unit", s, u, breakpoint=k, pattern=pattern) for k in range(int(pieces) - 1)]
            at += int(pieces > 1)
    out += [Column("domain", index=k) for k in range(len(domain.halfspaces))]
    if unbounded:
        out += [Column("infinity", index=k) for k in range(2 * domain.dim)]
    return tuple(out)
