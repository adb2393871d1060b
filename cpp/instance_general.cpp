// Any dimension: unbounded domains, cells with more than 64 facets, and the domain's own polyhedron.
#include "run.hpp"
#include "search.hpp"

namespace linregions {

template void run_search<0, 16, false>(Shared&, int);
template void run_search<0, 1, true>(Shared&, int);
template void run_search<0, 16, true>(Shared&, int);

DomainState clip_polyhedron(Shared& shared) { return Search<0, 16, true>(shared, 0).clip_domain(shared.root); }

}  // namespace linregions
