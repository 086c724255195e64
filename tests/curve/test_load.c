/* Load: pairs by corner cell against atoms thrown at random into their cells, and their sum against the number of pairs
 * of a uniform system, 4/3 pi r^3 density / 2 for each atom. */
#include "curve/load.h"

#include <math.h>

#include "reference.h"

static const double pi = 3.14159265358979323846;

static double uniform(void)
{
    return (random_u32() + 0.5) / 2147483648.0;
}

struct filling {
    int32_t n[3];
    double edge[3], radius;
    int32_t *atoms;
    int natoms;
};

static void filling_init(struct filling *f, const int32_t n[3], const double edge[3], double radius, uint32_t most)
{
    int64_t cells = cells_in(n);
    *f = (struct filling){{n[0], n[1], n[2]}, {edge[0], edge[1], edge[2]}, radius, NULL, 0};
    f->atoms = malloc((size_t)cells * sizeof *f->atoms);
    for (int64_t c = 0; c < cells; c++) {
        f->atoms[c] = random_u32() % 3 ? (int32_t)(random_u32() % (most + 1)) : 0;
        f->natoms += f->atoms[c];
    }
}

/* Places in cells, at random. */
static void throw_atoms(const struct filling *f, double (*x)[3], int32_t (*cell)[3])
{
    int i = 0;
    for (int32_t c = 0; c < cells_in(f->n); c++)
        for (int a = 0; a < f->atoms[c]; a++, i++) {
            const int32_t at[3] = {c % f->n[0], c / f->n[0] % f->n[1], c / f->n[0] / f->n[1]};
            for (int k = 0; k < 3; k++) {
                cell[i][k] = at[k];
                x[i][k] = (at[k] + uniform()) * f->edge[k];
            }
        }
}

/* Adds to count, by corner, the pairs within the radius of an atom of one throw and one of another, over all images.
 * Half of that is what a system has whose atoms are spread evenly: so an atom meets itself, too. */
static void count_pairs(const struct filling *f, double (*const x[2])[3], int32_t (*const cell[2])[3], double *count)
{
    for (int i = 0; i < f->natoms; i++)
        for (int j = 0; j < f->natoms; j++)
            for (int image = 0; image < 27; image++) {
                const int shift[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1};
                int32_t corner[3];
                double square = 0.0;
                for (int k = 0; k < 3; k++) {
                    double d = x[1][j][k] + shift[k] * f->n[k] * f->edge[k] - x[0][i][k];
                    int32_t other = cell[1][j][k] + shift[k] * f->n[k];
                    square += d * d;
                    corner[k] = modulo(cell[0][i][k] < other ? cell[0][i][k] : other, f->n[k]);
                }
                if (square < f->radius * f->radius)
                    count[corner[0] + f->n[0] * (corner[1] + f->n[1] * corner[2])] += 0.5;
            }
}

static void check_filling(const struct filling *f, int throws)
{
    size_t cells = (size_t)cells_in(f->n);
    double(*x[2])[3], *sum = calloc(cells, sizeof *sum), *squares = calloc(cells, sizeof *squares),
                      *count = malloc(cells * sizeof *count);
    int32_t(*cell[2])[3];
    int64_t *pairs = malloc(cells * sizeof *pairs);
    for (int k = 0; k < 2; k++) {
        x[k] = malloc((size_t)f->natoms * sizeof *x[k]);
        cell[k] = malloc((size_t)f->natoms * sizeof *cell[k]);
    }
    for (int t = 0; t < throws; t++) {
        for (int k = 0; k < 2; k++)
            throw_atoms(f, x[k], cell[k]);
        memset(count, 0, cells * sizeof *count);
        count_pairs(f, x, cell, count);
        for (size_t c = 0; c < cells; c++) {
            sum[c] += count[c];
            squares[c] += count[c] * count[c];
        }
    }
    sk_load_pairs(f->n, f->edge, f->radius, f->atoms, pairs);
    double total = 0.0, all = 0.0;
    for (size_t c = 0; c < cells; c++) {
        double mean = sum[c] / throws, error = sqrt((squares[c] / throws - mean * mean + 1e-3) / throws);
        check_near((double)pairs[c] / 16.0, mean, 5.0 * error + 1.0 / 16.0, 0.02);
        total += mean;
        all += (double)pairs[c] / 16.0;
    }
    check_near(all, total, 0.0, 0.02);
    for (int k = 0; k < 2; k++) {
        free(x[k]);
        free(cell[k]);
    }
    free(pairs);
    free(count);
    free(squares);
    free(sum);
}

static void pairs_are_those_of_atoms_thrown_at_random(void **state)
{
    (void)state;
    static const struct {
        int32_t n[3];
        double edge[3], radius;
        uint32_t most;
        int throws;
    } cases[] = {{{4, 5, 4}, {0.5, 0.5, 0.5}, 0.99, 5, 100}, /* the engine's: half the radius */
                 {{5, 4, 6}, {0.7, 0.9, 0.55}, 1.0, 4, 60},
                 {{4, 4, 3}, {1.1, 1.3, 1.5}, 1.0, 8, 60},   /* longer than the radius */
                 {{2, 4, 7}, {1.2, 0.6, 0.35}, 1.0, 6, 100}, /* flat cells, two of them on an axis */
                 {{3, 2, 5}, {0.75, 1.1, 0.45}, 1.0, 12, 150},
                 {{1, 5, 4}, {2.1, 0.45, 0.6}, 1.0, 12, 150}, /* a cell that meets its own images */
                 {{1, 1, 1}, {2.5, 2.2, 2.1}, 1.0, 60, 150}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct filling f;
        filling_init(&f, cases[i].n, cases[i].edge, cases[i].radius, cases[i].most);
        check_filling(&f, cases[i].throws);
        free(f.atoms);
    }
}

/* radius: in edges of a cubic cell. */
static double share_of_uniform(int32_t n, double radius)
{
    const int32_t grid[3] = {n, n, n}, each = 1000;
    const double edge[3] = {1.0, 1.0, 1.0};
    size_t cells = (size_t)cells_in(grid);
    int32_t *atoms = malloc(cells * sizeof *atoms);
    int64_t *pairs = malloc(cells * sizeof *pairs), total = 0;
    for (size_t c = 0; c < cells; c++)
        atoms[c] = each;
    sk_load_pairs(grid, edge, radius, atoms, pairs);
    for (size_t c = 0; c < cells; c++) {
        assert_int_equal(pairs[c], pairs[0]);
        total += pairs[c];
    }
    free(pairs);
    free(atoms);
    return (double)total / 16.0 / ((double)cells * each * 4.0 / 3.0 * pi * pow(radius, 3) * each / 2.0);
}

static void a_uniform_system_has_its_pairs(void **state)
{
    (void)state;
    static const double radius[] = {0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.5, 1.6, 1.75, 1.9, 2.0, 2.3, 2.7, 3.0};
    for (size_t i = 0; i < sizeof radius / sizeof *radius; i++)
        for (int32_t n = 1; n <= 8; n++)
            if (radius[i] < 0.5 * n) /* as in every box that the engine takes */
                check_near(share_of_uniform(n, radius[i]), 1.0, 0.01, 0.0);
}

/* Atoms in two cells only, in the middle of the grid and then around its corner: the same pairs, at the corner cell. */
static void a_pair_is_its_corners(void **state)
{
    (void)state;
    const int32_t n[3] = {6, 7, 8};
    const double edge[3] = {1.0, 1.1, 0.9};
    int64_t cells = cells_in(n), expected[27] = {0};
    int32_t *atoms = malloc((size_t)cells * sizeof *atoms);
    int64_t *pairs = malloc((size_t)cells * sizeof *pairs);
    for (int place = 0; place < 2; place++)
        for (int offset = 0; offset < 27; offset++) {
            const int32_t at[3] = {place ? 0 : 3, place ? 6 : 3, place ? 0 : 4};
            int32_t corner = 0, own = 0, other = 0;
            for (int k = 2; k >= 0; k--) {
                int32_t d = (k == 0 ? offset % 3 : k == 1 ? offset / 3 % 3 : offset / 9) - 1;
                own = own * n[k] + at[k];
                other = other * n[k] + modulo(at[k] + d, n[k]);
                corner = corner * n[k] + modulo(d < 0 ? at[k] + d : at[k], n[k]);
            }
            memset(atoms, 0, (size_t)cells * sizeof *atoms);
            sk_load_pairs(n, edge, 1.0, atoms, pairs);
            for (int64_t c = 0; c < cells; c++)
                assert_int_equal(pairs[c], 0);
            atoms[own] = 1000;
            sk_load_pairs(n, edge, 1.0, atoms, pairs);
            int64_t alone = pairs[own];
            atoms[other] = 1000;
            sk_load_pairs(n, edge, 1.0, atoms, pairs);
            int64_t sum = 0;
            for (int64_t c = 0; c < cells; c++)
                sum += pairs[c];
            int64_t between = own == other ? sum : sum - 2 * alone;
            expected[offset] = place ? expected[offset] : between;
            assert_int_equal(between, expected[offset]);
            assert_int_equal(pairs[corner], between + (own != other) * alone * ((corner == own) + (corner == other)));
            assert_true(between > 0);
        }
    for (int offset = 0; offset < 13; offset++) /* either way */
        assert_int_equal(expected[offset], expected[26 - offset]);
    free(pairs);
    free(atoms);
}

/* Of p pairs an atom, 0.7 + 1.55 p^0.42 share a tile (load.h): by p of each atom's own surroundings. */
static void tiles_follow_the_pairs(void **state)
{
    (void)state;
    const int32_t n[3] = {8, 8, 24};
    const double edge[3] = {0.5, 0.5, 0.5};
    int64_t cells = cells_in(n);
    int32_t *atoms = malloc((size_t)cells * sizeof *atoms);
    int64_t *pairs = malloc((size_t)cells * sizeof *pairs), *tiles = malloc((size_t)cells * sizeof *tiles);
    for (int64_t c = 0; c < cells; c++)
        atoms[c] = c / 64 < 12 ? 120 : 10; /* a dense half and a thin one */
    sk_load_pairs(n, edge, 1.0, atoms, pairs);
    sk_load_tiles(n, edge, 1.0, atoms, tiles);
    for (int half = 0; half < 2; half++) { /* in the middle of each, farther than two radii from the other */
        int64_t c = 64 * (half ? 18 : 6) + 27;
        double p = (double)pairs[c] / 16.0 / atoms[c], share = 0.7 + 1.55 * pow(p, 0.42);
        check_near((double)tiles[c], (double)pairs[c] / share, 1.0, 1e-3);
    }
    double dense = (double)tiles[64 * 6] / (double)pairs[64 * 6],
           thin = (double)tiles[64 * 18] / (double)pairs[64 * 18];
    for (int64_t c = 0; c < cells; c++) { /* and between them in between */
        double each = (double)tiles[c] / (double)pairs[c];
        assert_true(each >= 0.99 * dense && each <= 1.01 * thin);
    }
    free(tiles);
    free(pairs);
    free(atoms);
}

static void weights_are_costs_in_sixteenths(void **state)
{
    (void)state;
    const struct sk_cost cost = {2.0, 30.0, 0.5};
    const int32_t atoms[3] = {0, 1, 7};
    const int64_t expected[3] = {8, 8 + 480 + 2 * 5, 8 + 7 * 480 + 2 * 1000};
    int64_t pairs[3] = {0, 5, 1000};
    sk_load_weigh(3, pairs, atoms, &cost, pairs);
    for (int c = 0; c < 3; c++)
        assert_int_equal(pairs[c], expected[c]);
    assert_true(sk_cost_default().pair > 0 && sk_cost_default().atom > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_atoms_thrown_at_random), cmocka_unit_test(a_uniform_system_has_its_pairs),
        cmocka_unit_test(a_pair_is_its_corners), cmocka_unit_test(tiles_follow_the_pairs),
        cmocka_unit_test(weights_are_costs_in_sixteenths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
