#include "mesh/influence.h"

#include <math.h>

#include "base/math.h"
#include "base/memory.h"
#include "geom/fixed.h"
#include "kernel/mesh.h"

#define PI 3.14159265358979323846

/* For odd orders the sum vanishes at m = n / 2; the mean of the neighbours replaces it there. */
static void fill_moduli(double *modulus, int n, int order)
{
    double knot[SK_SPLINE_ORDER], root[2];
    sk_spline_knots(order, knot);
    for (int m = 0; m < n; m++) {
        double re = 0.0, im = 0.0;
        for (int k = 0; k < order - 1; k++) {
            sk_sincos(2.0 * PI * (double)((int64_t)m * k % n) / n, &root[1], &root[0]);
            re += knot[k + 1] * root[0];
            im += knot[k + 1] * root[1];
        }
        modulus[m] = re * re + im * im;
    }
    for (int m = 0; m < n; m++)
        if (modulus[m] < 1e-7)
            modulus[m] = 0.5 * (modulus[(m + n - 1) % n] + modulus[(m + 1) % n]);
    for (int m = 0; m < n; m++)
        modulus[m] = 1.0 / modulus[m];
}

void sk_influence_init(struct sk_influence *influence, const struct sk_mesh_plan *plan, double coulomb)
{
    *influence = (struct sk_influence){.plan = *plan, .coulomb = coulomb};
    for (int d = 0; d < 3; d++) {
        influence->modulus[d] = sk_alloc((size_t)plan->n[d], sizeof **influence->modulus);
        fill_moduli(influence->modulus[d], plan->n[d], plan->order);
    }
}

void sk_influence_clear(struct sk_influence *influence)
{
    for (int d = 0; d < 3; d++)
        sk_free(&influence->modulus[d]);
}

void sk_influence_set_lattice(struct sk_influence *influence, const double lattice[3][3])
{
    const double ax = lattice[0][0], bx = lattice[1][0], by = lattice[1][1];
    const double cx = lattice[2][0], cy = lattice[2][1], cz = lattice[2][2];
    const double gradient[3][3] = {{1.0 / ax, -bx / (ax * by), (bx * cy / by - cx) / (ax * cz)},
                                   {0.0, 1.0 / by, -cy / (by * cz)},
                                   {0.0, 0.0, 1.0 / cz}};
    SK_REQUIRE(lattice[0][1] == 0.0 && lattice[0][2] == 0.0 && lattice[1][2] == 0.0);
    for (int e = 0; e < 3; e++)
        for (int d = 0; d < 3; d++)
            influence->gradient[e][d] = gradient[e][d];
    influence->volume = ax * by * cz;
}

/* A wave vector in units of 2 pi, and its square. */
struct wave {
    double v[3], square;
};

/* A component at half the grid length stands for both signs, which are other vectors where the lattice is not
 * rectangular. As in GROMACS it is negative along x and y and positive along z, and the vectors of negative z are the
 * opposites of these; sign -1 and 1: the vector of such a convention and that of the opposite one. */
static inline struct wave wave_of(const struct sk_influence *influence, const int k[3], int sign)
{
    struct wave w = {{0.0, 0.0, 0.0}, 0.0};
    for (int e = 0; e < 3; e++) {
        const int n = influence->plan.n[e];
        int m = 2 * k[e] < n ? k[e] : k[e] - n;
        if (2 * k[e] == n)
            m = (e == 2) == (sign < 0) ? n / 2 : -n / 2;
        for (int d = 0; d < 3; d++)
            w.v[d] += m * influence->gradient[e][d];
    }
    w.square = w.v[0] * w.v[0] + w.v[1] * w.v[1] + w.v[2] * w.v[2];
    return w;
}

/* The signs that a wave vector has: first <= last. Both, where z is its own opposite. */
static inline void signs_of(const struct sk_influence *influence, const int k[3], int *first, int *last)
{
    const int *n = influence->plan.n;
    const bool has_half = 2 * k[0] == n[0] || 2 * k[1] == n[1] || 2 * k[2] == n[2];
    *first = *last = 2 * k[2] > n[2] ? 1 : -1;
    if (has_half && (k[2] == 0 || 2 * k[2] == n[2]))
        *last = 1;
}

static double influence_of(const struct sk_influence *influence, const int k[3], const struct wave *w)
{
    const double width = PI / influence->plan.beta, scale = influence->coulomb / (PI * influence->volume);
    const double modulus = influence->modulus[0][k[0]] * influence->modulus[1][k[1]] * scale;
    const double exponential = sk_exp(-width * width * w->square);
    return w->square > 0.0 ? modulus * influence->modulus[2][k[2]] * exponential / w->square : 0.0;
}

double sk_influence_at(const struct sk_influence *influence, const int k[3])
{
    int first, last;
    signs_of(influence, k, &first, &last);
    struct wave w = wave_of(influence, k, first);
    const double g = influence_of(influence, k, &w);
    if (first == last)
        return g;
    w = wave_of(influence, k, last);
    return 0.5 * (g + influence_of(influence, k, &w));
}

void sk_influence_fill(const struct sk_influence *influence, const struct sk_mesh_block *block, float *g)
{
    int k[3];
    for (k[0] = block->lo[0]; k[0] < block->hi[0]; k[0]++)
        for (k[1] = block->lo[1]; k[1] < block->hi[1]; k[1]++)
            for (k[2] = block->lo[2]; k[2] < block->hi[2]; k[2]++)
                *g++ = (float)sk_influence_at(influence, k);
}

/* Products with a component at half the grid length, of which both signs are meant, vanish off the diagonal (exactly so
 * in a rectangular lattice; elsewhere what is left out is as small as these terms are). */
static inline double product(const struct sk_influence *influence, const int k[3], const struct wave *w, int a, int b)
{
    const int *n = influence->plan.n;
    return a != b && (2 * k[a] == n[a] || 2 * k[b] == n[b]) ? 0.0 : w->v[a] * w->v[b];
}

/* 0.5 g |S|^2 and -0.5 of it times (delta_ab - 2 (1 / k^2 + 1 / (4 beta^2)) k_a k_b), k = 2 pi w. */
double sk_influence_energy(const struct sk_influence *influence, const int k[3], double g, double square,
                           double virial[6])
{
    static const int pair[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
    const double width = PI / influence->plan.beta, e = 0.5 * g * square;
    int first, last;
    signs_of(influence, k, &first, &last);
    for (int c = 0; c < 6; c++)
        virial[c] = 0.0;
    for (int sign = first; g != 0.0 && sign <= last; sign += 2) {
        const struct wave w = wave_of(influence, k, sign);
        const double factor = 2.0 * (1.0 / w.square + width * width);
        const double share = first == last ? 1.0 : 0.5 * influence_of(influence, k, &w) / sk_influence_at(influence, k);
        for (int c = 0; c < 6; c++) {
            const int a = pair[c][0], b = pair[c][1];
            virial[c] -= 0.5 * e * share * ((a == b) - factor * product(influence, k, &w, a, b));
        }
    }
    return e;
}

bool sk_influence_sums(const struct sk_influence *influence, const struct sk_mesh_block *block, const float *g,
                       const float *re, const float *im, sk_int128 *energy, sk_int128 virial[6])
{
    const int last = influence->plan.n[0];
    bool is_finite = true;
    size_t i = 0;
    int k[3];
    for (k[0] = block->lo[0]; k[0] < block->hi[0]; k[0]++)
        for (k[1] = block->lo[1]; k[1] < block->hi[1]; k[1]++)
            for (k[2] = block->lo[2]; k[2] < block->hi[2]; k[2]++, i++) {
                const double twice = k[0] == 0 || 2 * k[0] == last ? 1.0 : 2.0; /* the other half of the spectrum */
                const double square = twice * ((double)re[i] * re[i] + (double)im[i] * im[i]);
                double v[6], e = sk_influence_energy(influence, k, g[i], square, v);
                bool is_small = fabs(e) < 0x1p30;
                for (int c = 0; c < 6; c++)
                    is_small = is_small && fabs(v[c]) < 0x1p30;
                if (!is_small) {
                    is_finite = false;
                    continue;
                }
                *energy += sk_round(e * SK_ENERGY_SCALE);
                for (int c = 0; c < 6; c++)
                    virial[c] += sk_round(v[c] * SK_ENERGY_SCALE);
            }
    return is_finite;
}
