#include "search.hpp"

namespace linregions {
template void run_search<6, 1, false>(Shared&, int);
template void run_search<7, 1, false>(Shared&, int);
template void run_search<8, 1, false>(Shared&, int);
}  // namespace linregions
