#include "model/terms.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sets.h"

/* ---- terms ---- */

static enum sk_code check_term(const struct sk_moltype *type, const struct sk_term *term, struct sk_error *err)
{
    SK_REQUIRE(term->form >= 0 && term->form < SK_BONDED_FORMS && term->parameter >= 0);
    int n = sk_bonded_atoms(term->form);
    for (int k = 0; k < n; k++) {
        if (term->atom[k] < 0 || term->atom[k] >= type->natoms)
            return sk_fail(err, SK_EINPUT, "molecule type %s: %s name atom %lld, but it has %d atoms", type->name,
                           sk_bonded_name(term->form), term->atom[k] + 1LL, type->natoms);
        for (int m = 0; m < k; m++)
            if (term->atom[m] == term->atom[k])
                return sk_fail(err, SK_EINPUT, "molecule type %s: one of the %s names atom %d twice", type->name,
                               sk_bonded_name(term->form), term->atom[k] + 1);
    }
    for (int k = n; k < SK_BONDED_ATOMS; k++)
        SK_REQUIRE(term->atom[k] == -1);
    return SK_OK;
}

/* By form, else as they are. */
static void order_terms(struct sk_moltype *type)
{
    size_t start[SK_BONDED_FORMS + 1] = {0};
    struct sk_term *sorted = sk_alloc((size_t)type->nterms, sizeof *sorted);
    for (int t = 0; t < type->nterms; t++)
        start[type->terms[t].form + 1]++;
    for (int f = 0; f < SK_BONDED_FORMS; f++)
        start[f + 1] += start[f];
    for (int t = 0; t < type->nterms; t++)
        sorted[start[type->terms[t].form]++] = type->terms[t];
    sk_free(&type->terms);
    type->terms = sorted;
}

int sk_moltype_terms(const struct sk_moltype *type, int form)
{
    int n = 0;
    for (int t = 0; t < type->nterms; t++)
        n += type->terms[t].form == form;
    return n;
}

/* ---- virtual sites ---- */

static int compare_sites(const void *a, const void *b)
{
    int x = ((const struct sk_virtual_site *)a)->place, y = ((const struct sk_virtual_site *)b)->place;
    return (x > y) - (x < y);
}

static enum sk_code check_site_places(const struct sk_moltype *type, const struct sk_virtual_site *site,
                                      struct sk_error *err)
{
    int n = sk_virtual_atoms(site->form);
    const int place[4] = {site->place, site->from[0], site->from[1], site->from[2]};
    SK_REQUIRE(n == 3 || site->from[2] == -1);
    for (int k = 0; k <= n; k++) {
        if (place[k] < 0 || place[k] >= type->natoms)
            return sk_fail(err, SK_EINPUT, "molecule type %s: a virtual site names atom %lld, but it has %d atoms",
                           type->name, place[k] + 1LL, type->natoms);
        for (int m = 0; m < k; m++)
            if (place[m] == place[k])
                return sk_fail(err, SK_EINPUT, "molecule type %s: the virtual site %d names atom %d twice", type->name,
                               site->place + 1, place[k] + 1);
    }
    if (!isfinite(site->a) || !isfinite(site->b) || !isfinite(site->c))
        return sk_fail(err, SK_EINPUT, "molecule type %s: the virtual site %d has no finite parameters", type->name,
                       site->place + 1);
    return SK_OK;
}

/* is_site: by place. */
static enum sk_code check_site_use(const struct sk_moltype *type, const char *is_site, struct sk_error *err)
{
    for (int s = 0; s < type->nsites; s++)
        for (int k = 0; k < sk_virtual_atoms(type->sites[s].form); k++)
            if (is_site[type->sites[s].from[k]])
                return sk_fail(err, SK_EINPUT, "molecule type %s: the virtual site %d is built from a virtual site, %d",
                               type->name, type->sites[s].place + 1, type->sites[s].from[k] + 1);
    for (int c = 0; c < type->nconstraints; c++)
        if (is_site[type->constraints[c].i] || is_site[type->constraints[c].j])
            return sk_fail(err, SK_EINPUT, "molecule type %s: the constraint of atoms %d and %d holds a virtual site",
                           type->name, type->constraints[c].i + 1, type->constraints[c].j + 1);
    for (int s = 0; s < type->nsettles; s++)
        if (is_site[type->settles[s].apex] || is_site[type->settles[s].leg1] || is_site[type->settles[s].leg2])
            return sk_fail(err, SK_EINPUT, "molecule type %s: settles at atom %d hold a virtual site", type->name,
                           type->settles[s].apex + 1);
    return SK_OK;
}

/* What sites join lives on one rank, so it must stay small. */
static enum sk_code check_site_groups(const struct sk_moltype *type, struct sk_error *err)
{
    int n = type->natoms;
    int *parent = sk_alloc((size_t)n, sizeof *parent), *size = sk_calloc((size_t)n, sizeof *size);
    enum sk_code code = SK_OK;
    sk_sets_init(parent, n);
    for (int s = 0; s < type->nsites; s++)
        for (int k = 0; k < sk_virtual_atoms(type->sites[s].form); k++)
            sk_sets_join(parent, type->sites[s].place, type->sites[s].from[k]);
    for (int s = 0; s < type->nsettles; s++) {
        sk_sets_join(parent, type->settles[s].apex, type->settles[s].leg1);
        sk_sets_join(parent, type->settles[s].apex, type->settles[s].leg2);
    }
    for (int i = 0; i < n; i++)
        size[sk_sets_root(parent, i)]++;
    for (int s = 0; s < type->nsites && !code; s++)
        if (size[sk_sets_root(parent, type->sites[s].place)] > SK_CLUSTER_MAX)
            code = sk_fail(err, SK_EINPUT,
                           "molecule type %s: the virtual site %d and others join %d atoms; at most %d are supported",
                           type->name, type->sites[s].place + 1, size[sk_sets_root(parent, type->sites[s].place)],
                           SK_CLUSTER_MAX);
    sk_free(&size);
    sk_free(&parent);
    return code;
}

static enum sk_code order_sites(struct sk_moltype *type, struct sk_error *err)
{
    char *is_site = sk_calloc((size_t)type->natoms, 1);
    enum sk_code code = SK_OK;
    for (int s = 0; s < type->nsites && !code; s++)
        code = check_site_places(type, &type->sites[s], err);
    for (int s = 0; s < type->nsites && !code; s++) {
        if (is_site[type->sites[s].place])
            code = sk_fail(err, SK_EINPUT, "molecule type %s: atom %d is a virtual site twice", type->name,
                           type->sites[s].place + 1);
        is_site[type->sites[s].place] = 1;
    }
    if (!code)
        code = check_site_use(type, is_site, err);
    if (!code && type->nsites) {
        qsort(type->sites, (size_t)type->nsites, sizeof *type->sites, compare_sites);
        code = check_site_groups(type, err);
    }
    sk_free(&is_site);
    return code;
}

enum sk_code sk_moltype_order_terms(struct sk_moltype *type, struct sk_error *err)
{
    for (int t = 0; t < type->nterms; t++)
        if (check_term(type, &type->terms[t], err) != SK_OK)
            return err->code;
    if (type->nterms)
        order_terms(type);
    return order_sites(type, err);
}
