/* Classic SHAKE (Ryckaert, Ciccotti, Berendsen 1977) over all ranks, in colours: constraints of one colour share no
 * atom, so each atom is moved by one of them at most, and every rank that has one of its atoms finds the same move.
 * After each colour the moves of atoms that other ranks hold travel there. Bits depend on the order of colours and on
 * nothing else. Slow and plain: what the fragment solver is compared with. */
#include <math.h>
#include <string.h>

#include "constrain/network.h"

#define MAX_SWEEPS 10000

/* Drifted bond of constraint k as it is now. */
static void present_bond(const struct sk_network *n, enum sk_network_what what, int k, double p[3])
{
    const double *i = n->shaken[n->constraints[k].i], *j = n->shaken[n->constraints[k].j];
    for (int d = 0; d < 3; d++)
        p[d] = (what == SK_NETWORK_POSITIONS ? n->s[k][d] : 0) + (i[d] - j[d]);
}

/* Corrects constraint k to first order, as in the paper. */
static void shake_one(struct sk_network *n, enum sk_network_what what, int k)
{
    const struct sk_network_constraint *c = &n->constraints[k];
    const struct sk_moltype *type = &n->top->moltypes[c->moltype];
    const struct sk_constraint *bond = &type->constraints[c->index];
    double mi = sk_template_mass(n->top, &type->atoms[bond->i]), mj = sk_template_mass(n->top, &type->atoms[bond->j]);
    double p[3], *s = n->s[k], inverse = 1 / mi + 1 / mj, step;
    present_bond(n, what, k, p);
    double sp = s[0] * p[0] + s[1] * p[1] + s[2] * p[2];
    if (what == SK_NETWORK_POSITIONS)
        step = 0.5 * (bond->length * bond->length - (p[0] * p[0] + p[1] * p[1] + p[2] * p[2])) / (inverse * sp);
    else
        step = -sp / (inverse * (s[0] * s[0] + s[1] * s[1] + s[2] * s[2]));
    n->lambda[k] += step;
    for (int d = 0; d < 3; d++) {
        n->shaken[c->i][d] += step * s[d] / mi;
        n->shaken[c->j][d] -= step * s[d] / mj;
    }
}

double sk_network_shake_measure(struct sk_network *n, enum sk_network_what what, int *worst_constraint)
{
    double worst = 0;
    *worst_constraint = -1;
    for (int k = 0; k < n->nconstraints; k++) {
        if (n->constraints[k].i >= n->nowned)
            continue;
        const struct sk_network_constraint *c = &n->constraints[k];
        double length = n->top->moltypes[c->moltype].constraints[c->index].length, p[3], *s = n->s[k], f;
        present_bond(n, what, k, p);
        if (what == SK_NETWORK_POSITIONS)
            f = 0.5 * (length * length - (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]));
        else
            f = s[0] * p[0] + s[1] * p[1] + s[2] * p[2];
        f = fabs(f) / (length * length);
        if (!(f <= worst)) {
            worst = f == f ? f : INFINITY;
            *worst_constraint = k;
        }
    }
    return worst;
}

void sk_network_shake(struct sk_network *n, enum sk_network_what what, const double *u)
{
    int ncolours = 0, sweep = 0;
    for (int t = 0; t < n->graphs.nmoltypes; t++)
        ncolours = n->graphs.of[t].ncolours > ncolours ? n->graphs.of[t].ncolours : ncolours;
    if (n->nowned)
        memcpy(n->shaken, u, (size_t)n->nowned * sizeof *n->shaken);
    if (n->nghosts)
        memcpy(n->shaken + n->nowned, n->ghost_u, (size_t)n->nghosts * sizeof *n->shaken);
    for (double worst = 1; worst > n->tolerance && worst < INFINITY && sweep < MAX_SWEEPS; sweep++) {
        for (int colour = 0; colour < ncolours; colour++) {
            for (int k = 0; k < n->nconstraints; k++) {
                const struct sk_network_constraint *c = &n->constraints[k];
                bool is_mine = c->i < n->nowned || c->j < n->nowned;
                if (is_mine && n->graphs.of[c->moltype].colour[c->index] == colour)
                    shake_one(n, what, k);
            }
            sk_network_forward(n, (const double(*)[3])n->shaken, n->shaken + n->nowned);
        }
        int k;
        worst = sk_network_shake_measure(n, what, &k);
        sk_comm_max_f64(n->comm, &worst, 1);
    }
    n->solutions++;
    n->rounds += sweep * ncolours;
    n->largest_rounds = sweep * ncolours > n->largest_rounds ? sweep * ncolours : n->largest_rounds;
}
