#include "search.hpp"

namespace linregions {
template void run_search<1, 1, false>(Shared&, int);
template void run_search<2, 1, false>(Shared&, int);
template void run_search<3, 1, false>(Shared&, int);
}  // namespace linregions
