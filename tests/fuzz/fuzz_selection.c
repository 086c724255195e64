/* libFuzzer target of selections, and of what freezing does with them: each line of the input defines a group of a
 * small system with rigid water and constrained chains; the first group is frozen. Must not crash; what is accepted
 * says of every atom which groups it is in, and keeps the atoms. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/freeze.h"
#include "read/selection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_type(struct sk_topology *top, struct sk_forcefield *ff, int t, const char *name, int natoms)
{
    struct sk_moltype *type = &top->moltypes[t];
    struct sk_error err;
    strcpy(type->name, name);
    strcpy(ff->names[t], name);
    type->natoms = natoms;
    type->atoms = sk_calloc((size_t)natoms, sizeof *type->atoms);
    for (int i = 0; i < natoms; i++) {
        type->atoms[i].kind = t < 2 ? sk_topology_kind(top, t, 0, 1 + t) : -1;
        snprintf(type->atoms[i].name, SK_NAME_MAX, "A%d", i);
        strcpy(type->atoms[i].residue, i < 2 ? "RES" : "END");
    }
    if (t == 0) {
        type->settles = sk_calloc(1, sizeof *type->settles);
        type->settles[type->nsettles++] = (struct sk_settle){0, 1, 2, 0.1, 0.16};
    }
    type->constraints = sk_calloc((size_t)natoms, sizeof *type->constraints);
    for (int i = 0; t == 1 && i + 1 < natoms; i++)
        type->constraints[type->nconstraints++] = (struct sk_constraint){i, i + 1, 0.1};
    SK_REQUIRE(sk_moltype_finish(type, &err) == SK_OK);
}

static void fill(struct sk_topology *top, struct sk_forcefield *ff)
{
    static const int64_t count[] = {4, 3, 5};
    struct sk_error err;
    sk_topology_init(top);
    sk_forcefield_init(ff);
    sk_forcefield_resize(ff, 3);
    top->nmoltypes = top->nblocks = 3;
    top->moltypes = sk_calloc(3, sizeof *top->moltypes);
    top->blocks = sk_calloc(3, sizeof *top->blocks);
    add_type(top, ff, 0, "SOL", 3);
    add_type(top, ff, 1, "CHN", 4);
    add_type(top, ff, 2, "AR", 1);
    sk_topology_kind(top, 2, 0, 40);
    for (int b = 0; b < 3; b++)
        top->blocks[b] = (struct sk_molblock){.moltype = b, .count = count[b]};
    top->replicate[1] = 2;
    SK_REQUIRE(sk_topology_finish(top, &err) == SK_OK);
}

static uint32_t sets_of(const struct sk_groups *groups, sk_gid id)
{
    struct sk_place at = sk_topology_find(groups->top, id);
    int kind = groups->top->moltypes[at.moltype].atoms[at.place].kind;
    return sk_groups_of(groups, id, kind < 0 ? 2 : kind);
}

/* Sets are among those defined; a frozen topology has the same atoms. */
static void use(struct sk_topology *top, const struct sk_groups *groups, const bool axis[3])
{
    struct sk_error err;
    sk_gid natoms = top->natoms;
    uint32_t sets[64];
    SK_REQUIRE(natoms <= 64);
    for (sk_gid id = 0; id < natoms; id++) {
        sets[id] = sets_of(groups, id);
        SK_REQUIRE((sets[id] & 0xffff) >> groups->n == 0);
    }
    if (sk_topology_freeze(top, groups, 1, axis, &err) != SK_OK)
        return;
    SK_REQUIRE(top->natoms == natoms);
    for (sk_gid id = 0; id < natoms; id++) {
        struct sk_place at = sk_topology_find(top, id);
        const struct sk_moltype *type = &top->moltypes[at.moltype];
        bool has_constraints = strcmp(type->name, "AR") != 0;
        SK_REQUIRE(!has_constraints || type->atoms[at.place].is_frozen == (sets[id] & 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sk_definitions all;
    struct sk_topology top;
    struct sk_forcefield ff;
    struct sk_groups groups;
    struct sk_error err;
    int failed;
    const bool axis[3] = {true, true, size % 2};
    memset(&all, 0, sizeof all);
    for (size_t at = 0; at < size && all.n < SK_GROUPS_MAX; all.n++) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at;
        snprintf(all.of[all.n].name, SK_NAME_MAX, "g%d", all.n);
        snprintf(all.of[all.n].text, SK_TEXT_MAX, "%.*s", (int)length, (const char *)data + at);
        at += length + 1;
    }
    fill(&top, &ff);
    sk_groups_init(&groups, &top);
    enum sk_code code = sk_selections_read(&all, &ff, &groups, &failed, &err);
    SK_REQUIRE(code == SK_OK || (code == SK_EINPUT && failed >= 0 && failed < all.n));
    if (code == SK_OK)
        use(&top, &groups, axis);
    sk_groups_clear(&groups);
    sk_forcefield_clear(&ff);
    sk_topology_clear(&top);
    return 0;
}
