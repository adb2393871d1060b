#include "search.hpp"

namespace linregions {
template void run_search<4, 1, false>(Shared&, int);
template void run_search<5, 1, false>(Shared&, int);
}  // namespace linregions
