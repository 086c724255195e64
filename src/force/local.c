#include "force/local.h"

#include <string.h>

#include "base/memory.h"

#define TAG 6 /* of links; the next one too */

void sk_local_init(struct sk_local *local, struct sk_comm *comm, const struct sk_topology *top)
{
    memset(local, 0, sizeof *local);
    local->comm = comm;
    local->top = top;
    local->is_wanted = sk_calloc((size_t)top->nmoltypes, sizeof *local->is_wanted);
    sk_named_init(&local->named, comm, TAG);
}

void sk_local_clear(struct sk_local *local)
{
    sk_named_clear(&local->named);
    sk_idmap_clear(&local->owned_of);
    sk_idmap_clear(&local->local_of);
    sk_free(&local->is_wanted);
    sk_free(&local->mine);
    sk_free(&local->id);
    sk_free(&local->x);
    sk_free(&local->f);
}

void sk_local_want(struct sk_local *local, int moltype)
{
    local->is_used = local->is_wanted[moltype] = true;
}

static void local_add(struct sk_local *local, sk_gid id)
{
    int n = local->nmine + local->nnamed;
    sk_reserve(&local->id, &local->id_capacity, (size_t)n + 1);
    local->id[n] = id;
    sk_idmap_set(&local->local_of, id, n);
}

void sk_local_list(struct sk_local *local, const struct sk_atoms *atoms)
{
    if (!local->is_used)
        return;
    local->nmine = local->nnamed = 0;
    sk_idmap_reset(&local->owned_of, 64);
    sk_idmap_reset(&local->local_of, 64);
    for (int i = 0; i < atoms->n; i++) {
        if (!local->is_wanted[sk_topology_find(local->top, atoms->id[i]).moltype])
            continue;
        sk_reserve(&local->mine, &local->mine_capacity, (size_t)local->nmine + 1);
        sk_idmap_set(&local->owned_of, atoms->id[i], i);
        local_add(local, atoms->id[i]);
        local->mine[local->nmine++] = i;
    }
}

int32_t sk_local_find(struct sk_local *local, sk_gid id)
{
    int32_t at = sk_idmap_find(&local->local_of, id);
    if (at >= 0)
        return at;
    local_add(local, id);
    return local->nmine + local->nnamed++;
}

enum sk_code sk_local_connect(struct sk_local *local, struct sk_error *err)
{
    size_t n = (size_t)(local->nmine + local->nnamed);
    if (!local->is_used)
        return SK_OK;
    sk_reserve(&local->x, &local->x_capacity, n);
    sk_reserve(&local->f, &local->f_capacity, n);
    return sk_named_connect(&local->named, local->top->natoms, &local->owned_of, local->id + local->nmine,
                            local->nnamed, "a bonded term", err);
}

void sk_local_send(struct sk_local *local, const struct sk_atoms *atoms)
{
    if (local->is_used)
        sk_named_forward_begin(&local->named, (const sk_frac(*)[3])atoms->x);
}

void sk_local_receive(struct sk_local *local, const struct sk_atoms *atoms)
{
    if (!local->is_used)
        return;
    for (int m = 0; m < local->nmine; m++)
        memcpy(local->x[m], atoms->x[local->mine[m]], sizeof local->x[m]);
    sk_named_forward_end(&local->named, local->x + local->nmine);
    memset(local->f, 0, (size_t)(local->nmine + local->nnamed) * sizeof *local->f);
}

void sk_local_return(struct sk_local *local)
{
    if (local->is_used)
        sk_named_reverse_begin(&local->named, (const int64_t(*)[3])local->f + local->nmine);
}

void sk_local_collect(struct sk_local *local, int64_t (*total)[3])
{
    if (!local->is_used)
        return;
    for (int m = 0; m < local->nmine; m++)
        for (int k = 0; k < 3; k++)
            total[local->mine[m]][k] += local->f[m][k];
    sk_named_reverse_end(&local->named, total);
}

void sk_local_poll(const struct sk_local *local)
{
    if (local->named.forward)
        sk_comm_poll(local->comm);
}

size_t sk_local_memory(const struct sk_local *local)
{
    return local->mine_capacity * sizeof *local->mine + local->id_capacity * sizeof *local->id +
           (local->x_capacity + local->f_capacity) * 24 +
           (local->owned_of.size + local->local_of.size) * sizeof(struct sk_idmap_slot);
}
