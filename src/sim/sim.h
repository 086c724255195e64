/* Sim: one simulation, put together from all modules: opened (read on one rank, agreed, distributed), stepped, looked
 * at, closed. The public face is include/skein/skein.h; this is its inside. */
#ifndef SK_SIM_SIM_H
#define SK_SIM_SIM_H

#include "base/json.h"
#include "base/log.h"
#include "dynamics/minimize.h"
#include "io/checkpoint.h"
#include "io/trajectory.h"
#include "model/forcefield.h"
#include "read/structure.h"
#include "skein/skein.h"

#define SK_OVERLAP "atoms overlap: forces and energies are not those of the force field"

struct skein {
    struct sk_error error;
    struct skein_options options;
    struct sk_comm *comm;
    struct sk_parameters parameters;
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_groups groups;
    int64_t group_atoms[SK_GROUPS_MAX];
    struct sk_structure structure;
    struct sk_box box;
    struct sk_atoms atoms;
    struct sk_domain domain;
    struct sk_force force;
    struct sk_reference reference;
    struct sk_rigid rigid;
    struct sk_sites sites;
    struct sk_network network;
    struct sk_dynamics dynamics;
    struct sk_minimizer minimizer; /* if the integrator is one, */
    struct sk_topology even;       /* and the topology with all masses 1, which constraints are made from then */
    struct sk_timer timer;
    struct sk_log log;
    bool has_domain, has_force, has_rigid, has_reference;
    /* output */
    FILE *json_file;
    struct sk_json json;
    bool has_json;
    struct sk_trajectory *trajectory;
    bool is_resumed, is_started;           /* from a checkpoint: the run of it goes on; a new one has its atoms */
    struct sk_checkpoint_state checkpoint; /* of these two */
    uint64_t model_hash;
    int64_t target_steps;
    int64_t last_energy_step; /* -1: none reported yet */
    int64_t reported_plans;
    double opened_at, setup_s, loop_s, last_progress;
    int64_t loop_first_step;
    struct sk_comm_stats loop_stats; /* counters at the start of the loop */
    int phase_output;
    bool is_evaluated; /* forces belong to the present step */
    char variant_names[64];
    char checkpoint_used[1024];
};

/* read.c: parses run file, topology and force field on rank 0 and gives them to all. Collective. */
enum sk_code sk_sim_read_model(struct skein *sim, const char *run_file, struct sk_error *err);
/* read.c: streams coordinates to their id blocks. Collective. */
enum sk_code sk_sim_read_atoms(struct skein *sim, struct sk_error *err);
/* The atoms of the checkpoint, for a run that goes on or for a new one. Collective. Errors (SK_EINPUT): an atom that is
 * another one here. */
enum sk_code sk_sim_read_checkpoint(struct skein *sim, struct sk_error *err);

/* What position restraints hold to, if the topology has some. Collective. */
enum sk_code sk_sim_read_reference(struct skein *sim, struct sk_error *err);

/* access.c: energies of the present step, forces made anew (collective); those of bonded terms into what the library
 * gives out (local). */
enum sk_code sk_sim_get_energies(struct skein *sim, struct skein_energies *energies);
void sk_sim_set_bonded(const struct skein *sim, const double energy[SK_BONDED_ENERGIES],
                       struct skein_energies *energies);

/* check.c: to the log, what is odd about the system: its charge, bonds too fast for the time step. */
void sk_sim_warn(struct skein *sim);
/* outcome.c: what is special in a minimizer's reports: the table's head and lines, keys for the events `energy` and
 * `done`, the last words. Collective but for the head. */
void sk_outcome_head(struct skein *sim);
void sk_outcome_line(struct skein *sim);
void sk_outcome_json(struct skein *sim);
void sk_outcome_done_json(struct skein *sim, bool is_stopped);
void sk_outcome_conclude(struct skein *sim, bool is_stopped);

/* report.c: human and machine output. Rank 0 writes; collective where it reduces. */
enum sk_code sk_report_open(struct skein *sim, struct sk_error *err);
#define SK_BOX_TEXT 160
/* What messages call the box. Returns text. Local. */
const char *sk_report_box(const struct sk_box *box, char text[SK_BOX_TEXT]);
/* Whether output files can be made: fails now, not after hours. Local. */
enum sk_code sk_report_folders(const struct skein *sim, struct sk_error *err);
/* The complete run file, to the log. */
void sk_report_parameters(struct skein *sim);
enum sk_code sk_report_start(struct skein *sim, struct sk_error *err);
enum sk_code sk_report_energy(struct skein *sim, struct sk_error *err);
/* If the partition has changed since the last call. */
enum sk_code sk_report_balance(struct skein *sim, struct sk_error *err);
enum sk_code sk_report_checkpoint(struct skein *sim, double seconds, struct sk_error *err);
void sk_report_progress(struct skein *sim);
enum sk_code sk_report_done(struct skein *sim, bool is_stopped, struct sk_error *err);

#endif
