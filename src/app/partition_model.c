#include <math.h>

#include "app/partition.h"
#include "base/memory.h"

#define BYTES 12.0 /* of an atom in a message: three int32 */
#define PARTS 16.0 /* of a pair, in scene->pairs (curve/load.h) */

void partition_model_count(const struct partition_scene *scene, const struct partition_constants *constants, int ranks,
                           const int32_t *owner, struct partition_tally *tally)
{
    const int32_t reach[3] = {scene->reach, scene->reach, scene->reach};
    struct sk_stencil corner = sk_stencil_corner(reach);
    struct sk_count count;
    /* A bare grid's cells hold what those of the run measured do in the mean. */
    double parts = scene->reach * scene->reach * scene->reach, filling = constants->atoms_per_cell / parts;
    sk_count_make(&count, scene->n, ranks, owner, NULL, scene->atoms, &corner);
    for (int r = 0; r < ranks; r++) {
        const struct sk_rank_count *rank = &count.rank[r];
        double imports = scene->atoms ? (double)rank->ghost_atoms : filling * (double)rank->ghosts;
        double exports = scene->atoms ? (double)rank->sent_atoms : filling * (double)rank->sent;
        double atoms = scene->atoms ? (double)rank->atoms : filling * (double)rank->cells;
        tally[r] = (struct partition_tally){.atoms = atoms, .ghosts = imports, .messages = rank->neighbours};
        tally[r].bytes = BYTES * (imports + exports);
        if (!scene->atoms) {
            tally[r].pairs = constants->pairs_per_atom * atoms;
            tally[r].cells = (double)rank->cells / parts;
        }
    }
    /* Coordinates come from those it imports from, forces from those that import from it. */
    for (int64_t k = 0; k < count.first[ranks]; k++)
        tally[count.traffic[k].from].messages++;
    for (int64_t c = 0; scene->atoms && c < scene->cells; c++) {
        tally[owner[c]].pairs += (double)scene->pairs[c] / PARTS;
        tally[owner[c]].cells += scene->atoms[c] > 0 ? 1 / parts : 0;
    }
    sk_count_clear(&count);
}

/* How much slower work is when `active` cores of a node work. */
static double crowding(const struct partition_constants *c, int active)
{
    if (c->processes < 2 || active < 2)
        return 1;
    double share = (double)(active - 1) / (c->processes - 1);
    return 1 + (c->crowd - 1) * fmin(share, 1);
}

double partition_model_step(const struct partition_constants *c, int ranks_per_node, int ranks,
                            const struct partition_tally *tally)
{
    int per_node = ranks_per_node ? ranks_per_node : c->cores;
    double slowest = 0;
    for (int first = 0; first < ranks; first += per_node) {
        int end = first + per_node < ranks ? first + per_node : ranks, here = end - first;
        int active = here < c->cores ? here : c->cores;
        double factor = crowding(c, active), most = 0, sum = 0, messages = 0;
        for (int r = first; r < end; r++) {
            const struct partition_tally *t = &tally[r];
            double time = factor * (c->pair * t->pairs + c->atom * t->atoms + c->cell * t->cells) +
                          c->ghost * t->ghosts + c->message * t->messages + c->byte * t->bytes;
            most = fmax(most, time);
            sum += time;
            messages += t->messages;
        }
        double shared = here > active ? c->handover * messages / active : 0;
        slowest = fmax(slowest, fmax(most, sum / active) + shared);
    }
    return slowest + c->reduce * (ranks > 1 ? log2(ranks) : 0);
}
