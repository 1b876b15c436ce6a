// graphdet._kernels: the loops that NumPy has no word for. Each file has one subject and says what goes in and comes out.
#include "arrays.hpp"

namespace graphdet {
void add_crowding(nb::module_& module);
}

NB_MODULE(_kernels, module) {
    graphdet::add_crowding(module);
}
