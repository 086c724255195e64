#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "domain/intake.h"
#include "read/runfile.h"
#include "sim/groups.h"

static enum sk_code read_on_root(struct skein *sim, const char *run_file, struct sk_error *err)
{
    struct sk_override *overrides = sk_calloc((size_t)sim->options.noverrides, sizeof *overrides);
    for (int i = 0; i < sim->options.noverrides; i++)
        overrides[i].text = sim->options.overrides[i];
    struct sk_parameters *p = &sim->parameters;
    enum sk_code code = sk_runfile_read(run_file, overrides, sim->options.noverrides, p, err);
    sk_free(&overrides);
    if (code)
        return code;
    if (p->system.data[0])
        code = sk_data_open(p->system.data, p, &sim->structure, &sim->top, &sim->ff, err);
    else {
        code = sk_top_read(p->system.topology, p->system.define, p->system.include_path, p->constraints.bonds,
                           &sim->top, &sim->ff, err);
        if (!code)
            code = sk_gro_open(p->system.structure, &sim->structure, err);
    }
    if (code)
        return code;
    memcpy(sim->top.replicate, p->system.replicate, sizeof sim->top.replicate);
    if ((code = sk_topology_finish(&sim->top, err)))
        return code;
    if (sim->top.unit_atoms != sim->structure.natoms)
        return sk_fail(err, SK_EINPUT, "%s: %lld atoms, but %s describes %lld; make the [molecules] counts fit",
                       p->system.structure, (long long)sim->structure.natoms, p->system.topology,
                       (long long)sim->top.unit_atoms);
    return SK_OK;
}

static void broadcast_packed(struct sk_comm *comm, unsigned char **bytes, size_t *length)
{
    uint64_t n = *length;
    sk_comm_bcast(comm, &n, sizeof n, 0);
    if (sk_comm_rank(comm) != 0)
        *bytes = sk_alloc((size_t)n, 1);
    *length = (size_t)n;
    sk_comm_bcast(comm, *bytes, *length, 0);
}

static void share_model(struct skein *sim)
{
    bool is_root = sk_comm_rank(sim->comm) == 0;
    sk_comm_bcast(sim->comm, &sim->parameters, sizeof sim->parameters, 0);
    sk_comm_bcast(sim->comm, &sim->structure, sizeof sim->structure, 0);
    unsigned char *bytes = NULL;
    size_t length = 0;
    if (is_root)
        sk_topology_pack(&sim->top, &bytes, &length);
    broadcast_packed(sim->comm, &bytes, &length);
    if (!is_root)
        sk_topology_unpack(&sim->top, bytes, length);
    sk_free(&bytes);
    if (is_root)
        sk_forcefield_pack(&sim->ff, &bytes, &length);
    broadcast_packed(sim->comm, &bytes, &length);
    if (!is_root)
        sk_forcefield_unpack(&sim->ff, bytes, length);
    sk_free(&bytes);
}

/* For tests of the crossing path: small constrained clusters are not kept on one rank. What was accepted before cannot
 * fail now. */
static void split_clusters(struct sk_topology *top)
{
    struct sk_error err;
    for (int t = 0; t < top->nmoltypes; t++) {
        top->moltypes[t].is_split = true;
        SK_REQUIRE(sk_moltype_finish(&top->moltypes[t], &err) == SK_OK);
    }
    SK_REQUIRE(sk_topology_finish(top, &err) == SK_OK);
}

/* What a checkpoint must agree on: molecules, force field and how atoms interact; not how long, how fast, in what bath.
 */
static uint64_t hash_model(const struct skein *sim)
{
    const struct sk_parameters *p = &sim->parameters;
    uint64_t choices[] = {sk_topology_hash(&sim->top),       sk_forcefield_hash(&sim->ff),
                          (uint64_t)p->nonbonded.coulomb,    (uint64_t)p->nonbonded.vdw_modifier,
                          (uint64_t)p->nonbonded.dispersion, (uint64_t)p->nonbonded.coulomb_modifier,
                          (uint64_t)p->system.is_real};
    double lengths[] = {p->nonbonded.vdw_cutoff, p->nonbonded.coulomb_cutoff, p->nonbonded.epsilon_rf,
                        p->nonbonded.vdw_switch};
    const size_t nlengths = p->nonbonded.vdw_switch > 0 ? 4 : 3;
    uint64_t mesh[] = {(uint64_t)p->nonbonded.mesh[0], (uint64_t)p->nonbonded.mesh[1], (uint64_t)p->nonbonded.mesh[2],
                       (uint64_t)p->nonbonded.mesh_order};
    double splitting[] = {p->nonbonded.ewald_rtol, p->nonbonded.mesh_spacing, p->nonbonded.coulomb_error};
    uint64_t parts[] = {sk_hash(choices, sizeof choices), sk_hash(lengths, nlengths * sizeof *lengths),
                        sk_hash(mesh, sizeof mesh), sk_hash(splitting, sizeof splitting)};
    bool has_mesh = p->nonbonded.coulomb == SK_COULOMB_PME;
    return sk_hash(parts, (has_mesh ? 4 : 2) * sizeof *parts);
}

enum sk_code sk_sim_read_model(struct skein *sim, const char *run_file, struct sk_error *err)
{
    enum sk_code code = sk_comm_rank(sim->comm) == 0 ? read_on_root(sim, run_file, err) : SK_OK;
    code = sk_comm_agree(sim->comm, err, code);
    if (code)
        return code;
    share_model(sim);
    sim->box = sk_box_replicate(&sim->structure.box, sim->top.replicate);
    sim->model_hash = hash_model(sim); /* of the model as it was read */
    code = sk_sim_define_groups(sim, run_file, err);
    if (!code && sim->parameters.constraints.split_clusters)
        split_clusters(&sim->top);
    return code;
}

static enum sk_code take_atoms(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    (void)err;
    for (int i = 0; i < block->n; i++)
        sk_intake_atom(context, block->id[i], block->kind[i], block->x[i], block->image[i], block->v[i]);
    return SK_OK;
}

static enum sk_code take_velocities(void *context, const struct sk_atom_block *block, struct sk_error *err)
{
    (void)err;
    for (int i = 0; i < block->n; i++)
        sk_intake_velocity(context, block->id[i], block->v[i]);
    return SK_OK;
}

/* Streams the atoms of a .gro file, or of the LAMMPS data file if there is none, into the id blocks. Collective. */
static enum sk_code stream_atoms(struct skein *sim, const char *structure, const struct sk_box *box,
                                 struct sk_atoms *block, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    struct sk_intake *intake = sk_intake_new(sim->comm, &sim->top, box);
    enum sk_code code = SK_OK;
    if (sk_comm_rank(sim->comm) != 0)
        sk_intake_receive(intake);
    else if (structure[0])
        code = sk_gro_read(structure, &sim->top, take_atoms, intake, err);
    else
        code = sk_data_read(p->system.data, p, &sim->top, take_atoms, take_velocities, intake, err);
    struct sk_error missing;
    enum sk_code finished = sk_intake_finish(intake, block, &missing);
    sk_intake_free(&intake);
    /* what the reader says comes before what its silence made of the rest */
    code = sk_comm_agree(sim->comm, err, code);
    if (!code && finished)
        *err = missing;
    return code ? code : finished;
}

enum sk_code sk_sim_read_atoms(struct skein *sim, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    enum sk_code code = stream_atoms(sim, p->system.structure, &sim->structure.box, &sim->atoms, err);
    if (!code && p->system.velocities == SK_VELOCITIES_FILE && !sim->structure.has_velocities &&
        !sk_is_minimizer(p->run.integrator))
        sk_log_warn(&sim->log, "%s has no velocities: the run starts at rest (velocities = maxwell draws them)",
                    p->system.data[0] ? p->system.data : p->system.structure);
    return code;
}

/* Streams a .gro file of the same atoms into the id blocks. Collective. */
static enum sk_code stream_reference(struct skein *sim, const char *path, struct sk_atoms *block, struct sk_error *err)
{
    struct sk_structure structure = {0};
    bool is_root = sk_comm_rank(sim->comm) == 0;
    enum sk_code code = is_root ? sk_gro_open(path, &structure, err) : SK_OK;
    if (!code && is_root && structure.natoms != sim->top.unit_atoms)
        code = sk_fail(err, SK_EINPUT,
                       "%s: %lld atoms, but the topology describes %lld; position restraints need the "
                       "same atoms",
                       path, (long long)structure.natoms, (long long)sim->top.unit_atoms);
    if ((code = sk_comm_agree(sim->comm, err, code)))
        return code;
    sk_comm_bcast(sim->comm, &structure, sizeof structure, 0);
    return stream_atoms(sim, path, &structure.box, block, err);
}

enum sk_code sk_sim_read_reference(struct skein *sim, struct sk_error *err)
{
    const struct sk_parameters *p = &sim->parameters;
    if (sk_topology_terms(&sim->top, SK_POSITION_RESTRAINT) == 0)
        return SK_OK;
    const char *path = p->system.restraint_reference[0] ? p->system.restraint_reference : p->system.structure;
    struct sk_atoms block;
    sk_atoms_init(&block);
    enum sk_code code = stream_reference(sim, path, &block, err);
    if (!code) {
        sk_reference_init(&sim->reference, sim->comm, &sim->top, &block);
        sim->has_reference = true;
    }
    sk_atoms_clear(&block);
    if (!code && sim->is_resumed && sim->checkpoint.reference_hash != sim->reference.hash)
        code = sk_fail(err, SK_EINPUT,
                       "%s: what position restraints hold to has changed since %s was written; give the file that the "
                       "run began with",
                       path, sim->checkpoint_used);
    return code;
}

/* Atoms [first, first + n) of a checkpoint must be those of the topology; a new run has no moves. */
static enum sk_code accept_atoms(const struct skein *sim, sk_gid first, int64_t n, struct sk_atom_record *records,
                                 struct sk_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        struct sk_place at = sk_topology_find(&sim->top, first + i);
        int kind = sim->top.moltypes[at.moltype].atoms[at.place].kind;
        if ((kind >= 0 && records[i].kind != kind) || records[i].kind < 0 || records[i].kind >= sim->top.nkinds) {
            char name[SK_ATOM_NAME_MAX];
            sk_topology_name(&sim->top, first + i, -1, name);
            return sk_fail(
                err, SK_EINPUT,
                "%s: atom %s has another type, charge or mass there than in this input; it must be a checkpoint "
                "of the same molecules",
                sim->checkpoint_used, name);
        }
        if (sim->is_started)
            memset(records[i].move, 0, sizeof records[i].move);
    }
    return SK_OK;
}

enum sk_code sk_sim_read_checkpoint(struct skein *sim, struct sk_error *err)
{
    int rank = sk_comm_rank(sim->comm), size = sk_comm_size(sim->comm);
    sk_gid first = sk_intake_first(&sim->top, size, rank), end = sk_intake_first(&sim->top, size, rank + 1);
    struct sk_atom_record *records = sk_alloc((size_t)(end - first), sizeof *records);
    enum sk_code code = sk_checkpoint_read(sim->comm, sim->checkpoint_used, first, end - first, records, err);
    if (!code)
        code = sk_comm_agree(sim->comm, err, accept_atoms(sim, first, end - first, records, err));
    if (!code) {
        sim->atoms.n = 0;
        sk_intake_group(&sim->top, first, end - first, records, &sim->atoms);
        if (sim->is_started) /* groups may be others than those of the run that wrote it */
            sk_intake_make_whole(&sim->top, &sim->atoms);
    }
    sk_free(&records);
    return code;
}
