#include "sim/whatif.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "sim/sim.h"

int64_t sk_whatif_constraints(const struct skein *sim)
{
    return sk_topology_constraints(&sim->top);
}

/* Place of the anchor of the group that a place belongs to. */
static int anchor_of(const struct sk_moltype *type, int place)
{
    return type->group_place[type->group_start[type->group_of[place]]];
}

int64_t sk_whatif_crossable(const struct skein *sim, int64_t (**anchors)[2])
{
    const struct sk_topology *top = &sim->top;
    int64_t copies = (int64_t)top->replicate[0] * top->replicate[1] * top->replicate[2], n = 0;
    size_t capacity = 0;
    *anchors = NULL;
    for (int64_t copy = 0; copy < copies; copy++)
        for (int b = 0; b < top->nblocks; b++) {
            const struct sk_molblock *block = &top->blocks[b];
            const struct sk_moltype *type = &top->moltypes[block->moltype];
            for (int64_t m = 0; m < (type->nconstraints ? block->count : 0); m++) {
                int64_t first = copy * top->unit_atoms + block->first + m * type->natoms;
                for (int k = 0; k < type->nconstraints; k++) {
                    int i = anchor_of(type, type->constraints[k].i), j = anchor_of(type, type->constraints[k].j);
                    if (i == j)
                        continue;
                    sk_reserve(anchors, &capacity, (size_t)n + 1);
                    (*anchors)[n][0] = first + i;
                    (*anchors)[n++][1] = first + j;
                }
            }
        }
    return n;
}

bool sk_whatif_suppose(struct skein *sim, int nranks, enum sk_curve curve, struct sk_supposition *supposition)
{
    if (sk_comm_size(sim->comm) > 1)
        return false;
    struct sk_balance balance;
    struct sk_cells cells;
    double radius = sim->force.list_radius;
    sk_domain_suppose(&sim->domain, &sim->top, &sim->box, radius, &sim->atoms, nranks, curve, &balance, &cells);
    supposition->imbalance = balance.predicted;
    supposition->tile_imbalance = balance.predicted_tiles;
    supposition->scheme = (enum sk_curve)cells.plan.scheme;
    sk_domain_imports(&sim->domain, &sim->box, radius, &sim->atoms, &cells, &supposition->import);
    sk_cells_clear(&cells);
    sk_balance_clear(&balance);
    return true;
}

/* Seconds of the phases that `names` lists, since the timer was reset. */
static double seconds_of(const struct sk_timer *timer, const char *const names[])
{
    double sum = 0;
    for (int k = 0; names[k]; k++)
        for (int p = 0; p < timer->count; p++)
            if (strcmp(timer->name[p], names[k]) == 0)
                sum += sk_timer_seconds(timer, p);
    return sum;
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int sk_whatif_pace(struct skein *sim, int64_t steps, struct sk_pace *pace)
{
    static const char *const pairs[] = {"pair", "prune", "list", NULL}, *const rebuild[] = {"rebuild", NULL};
    sk_comm_barrier(sim->comm);
    sk_timer_reset(&sim->timer);
    double began = sk_comm_wall(), used = processor_seconds();
    int code = skein_step(sim, steps);
    sk_comm_barrier(sim->comm);
    double count = (double)steps;
    pace->processor = (processor_seconds() - used) / count;
    pace->step = (sk_comm_wall() - began) / count;
    pace->pairs = seconds_of(&sim->timer, pairs) / count;
    pace->rebuild = seconds_of(&sim->timer, rebuild) / count;
    pace->atoms = pace->step - pace->pairs - pace->rebuild;
    return code;
}
