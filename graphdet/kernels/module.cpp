// graphdet._kernels: each file has one subject and says what goes in and comes out.
#include "arrays.hpp"

namespace graphdet {
void add_accounts(nb::module_& module);
void add_base_rates(nb::module_& module);
void add_batches(nb::module_& module);
void add_closeness(nb::module_& module);
void add_coding(nb::module_& module);
void add_company(nb::module_& module);
void add_cores(nb::module_& module);
void add_crowding(nb::module_& module);
void add_edges(nb::module_& module);
void add_grouping(nb::module_& module);
void add_flat_objects(nb::module_& module);
void add_growth(nb::module_& module);
void add_inverted(nb::module_& module);
void add_levels(nb::module_& module);
void add_messages(nb::module_& module);
void add_ordering(nb::module_& module);
void add_pairs(nb::module_& module);
void add_people(nb::module_& module);
void add_permuting(nb::module_& module);
void add_spans(nb::module_& module);
void add_spilling(nb::module_& module);
void add_strongest(nb::module_& module);
void add_surges(nb::module_& module);
void add_visits(nb::module_& module);
void add_walk(nb::module_& module);
void add_trees(nb::module_& module);
void add_windows(nb::module_& module);
}

NB_MODULE(_kernels, module) {
    nanobind::set_leak_warnings(false); // a thread that a process does not wait for may hold an object to the end
    graphdet::add_accounts(module);
    graphdet::add_base_rates(module);
    graphdet::add_batches(module);
    graphdet::add_closeness(module);
    graphdet::add_coding(module);
    graphdet::add_company(module);
    graphdet::add_cores(module);
    graphdet::add_crowding(module);
    graphdet::add_edges(module);
    graphdet::add_grouping(module);
    graphdet::add_flat_objects(module);
    graphdet::add_growth(module);
    graphdet::add_inverted(module);
    graphdet::add_levels(module);
    graphdet::add_messages(module);
    graphdet::add_ordering(module);
    graphdet::add_pairs(module);
    graphdet::add_people(module);
    graphdet::add_permuting(module);
    graphdet::add_spans(module);
    graphdet::add_spilling(module);
    graphdet::add_strongest(module);
    graphdet::add_surges(module);
    graphdet::add_visits(module);
    graphdet::add_walk(module);
    graphdet::add_trees(module);
    graphdet::add_windows(module);
}
