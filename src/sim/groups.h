/* Groups of atoms in a simulation: defined by the run file, checked against the atoms, told to the log and in JSON.
 * Owns nothing. Not here: which atoms are in a group (model/groups.h), what is done to them (dynamics). */
#ifndef SK_SIM_GROUPS_H
#define SK_SIM_GROUPS_H

#include "sim/sim.h"

/* Collective. The groups that the run file defines, and what freezing some of them does to the topology. Then, with
 * atoms: that lists of groups share these among them. Errors (SK_EINPUT) with file and line. */
enum sk_code sk_sim_define_groups(struct skein *sim, const char *run_file, struct sk_error *err);
enum sk_code sk_sim_check_groups(struct skein *sim, const char *run_file, struct sk_error *err);
/* Local. To the log. */
void sk_sim_print_groups(struct skein *sim);
/* Local. An object of the JSON line that is open, if there are such groups: degrees of freedom, temperatures, energies
 * of the last record. */
void sk_sim_freedom_json(const struct skein *sim, struct sk_json *json);
void sk_sim_temperatures_json(const struct skein *sim, struct sk_json *json);
void sk_sim_parts_json(const struct skein *sim, struct sk_json *json);

#endif
