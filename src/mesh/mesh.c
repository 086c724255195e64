#include "mesh/mesh.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "mesh/tiles.h"

#define PI 3.14159265358979323846

struct sk_mesh {
    struct sk_comm *comm;
    const struct sk_kernel_variant *variant;
    struct sk_mesh_layout layout;
    struct sk_influence influence;
    struct sk_mesh_tiles *tiles;
    struct sk_mesh_block block[SK_MESH_STAGES]; /* this rank's */
    struct sk_mesh_move *move[2], *back[2];     /* x to y, y to z; z to y, y to x */
    struct sk_fft fft[3];
    float *constants[3], *scratch;
    int32_t *charge;              /* of the grid part */
    float *real;                  /* [grid part] charge in e, then the potential */
    float *spectrum[2][2];        /* two sets of real and imaginary parts, used in turns */
    float *g;                     /* [spectrum along z] */
    double grid_scale;            /* integer units per e */
    const double *charge_of_atom; /* between begin and end */
};

static void make_transforms(struct sk_mesh *mesh)
{
    size_t scratch = 0;
    for (int d = 0; d < 3; d++) {
        const int n = mesh->layout.n[d];
        double(*root)[2] = sk_alloc((size_t)n, sizeof *root);
        for (int k = 0; k < n; k++)
            sk_sincos(2.0 * PI * k / n, &root[k][1], &root[k][0]);
        mesh->constants[d] = sk_alloc(sk_fft_room(n), sizeof(float));
        sk_fft_init(&mesh->fft[d], n, d == 0, (const double(*)[2])root, mesh->constants[d]);
        scratch = sk_fft_scratch(n) > scratch ? sk_fft_scratch(n) : scratch;
        sk_free(&root);
    }
    mesh->scratch = sk_alloc(scratch, sizeof(float));
}

static void make_arrays(struct sk_mesh *mesh)
{
    size_t most = 0;
    for (int stage = 0; stage < SK_MESH_STAGES; stage++) {
        mesh->block[stage] = sk_mesh_layout_block(&mesh->layout, (enum sk_mesh_stage)stage, sk_comm_rank(mesh->comm));
        const size_t size = sk_mesh_block_size(&mesh->block[stage]);
        if (stage != SK_MESH_GRID && size > most)
            most = size;
    }
    const size_t points = sk_mesh_block_size(&mesh->block[SK_MESH_GRID]);
    mesh->charge = sk_alloc(points, sizeof *mesh->charge);
    mesh->real = sk_alloc(points, sizeof *mesh->real);
    for (int k = 0; k < 4; k++)
        mesh->spectrum[k / 2][k % 2] = sk_alloc(most, sizeof(float));
    mesh->g = sk_alloc(sk_mesh_block_size(&mesh->block[SK_MESH_SPECTRUM_Z]), sizeof *mesh->g);
}

struct sk_mesh *sk_mesh_new(struct sk_comm *comm, const struct sk_mesh_setup *setup)
{
    struct sk_mesh *mesh = sk_calloc(1, sizeof *mesh);
    const int nranks = sk_comm_size(comm);
    mesh->comm = comm;
    mesh->variant = setup->variant;
    mesh->grid_scale = 0x1p24;
    sk_mesh_layout_choose(&mesh->layout, setup->plan.n, nranks, setup->cuts);
    if (setup->parts[0] > 0)
        memcpy(mesh->layout.parts, setup->parts, sizeof mesh->layout.parts);
    SK_REQUIRE(sk_mesh_layout_fits(&mesh->layout, nranks));
    make_transforms(mesh);
    make_arrays(mesh);
    sk_influence_init(&mesh->influence, &setup->plan, setup->coulomb);
    mesh->tiles = sk_mesh_tiles_new(comm, &mesh->layout, setup->plan.order, setup->variant, setup->tag);
    for (int k = 0; k < 2; k++) {
        const enum sk_mesh_stage from = k == 0 ? SK_MESH_SPECTRUM_X : SK_MESH_SPECTRUM_Y;
        const enum sk_mesh_stage to = k == 0 ? SK_MESH_SPECTRUM_Y : SK_MESH_SPECTRUM_Z;
        mesh->move[k] = sk_mesh_move_new(comm, &mesh->layout, from, to, setup->tag + 2 + k);
        mesh->back[k] = sk_mesh_move_new(comm, &mesh->layout, to, from, setup->tag + 4 + k);
    }
    return mesh;
}

void sk_mesh_free(struct sk_mesh **handle)
{
    struct sk_mesh *mesh = *handle;
    if (!mesh)
        return;
    sk_mesh_tiles_free(&mesh->tiles);
    for (int k = 0; k < 2; k++) {
        sk_mesh_move_free(&mesh->move[k]);
        sk_mesh_move_free(&mesh->back[k]);
    }
    sk_influence_clear(&mesh->influence);
    for (int d = 0; d < 3; d++)
        sk_free(&mesh->constants[d]);
    for (int k = 0; k < 4; k++)
        sk_free(&mesh->spectrum[k / 2][k % 2]);
    sk_free(&mesh->scratch);
    sk_free(&mesh->charge);
    sk_free(&mesh->real);
    sk_free(&mesh->g);
    sk_free(handle);
}

void sk_mesh_set_lattice(struct sk_mesh *mesh, const double lattice[3][3])
{
    sk_influence_set_lattice(&mesh->influence, lattice);
    sk_influence_fill(&mesh->influence, &mesh->block[SK_MESH_SPECTRUM_Z], mesh->g);
}

void sk_mesh_assign(struct sk_mesh *mesh, int n, const sk_frac (*x)[3], const double reach[3])
{
    sk_mesh_tiles_assign(mesh->tiles, n, x, reach);
}

/* Sizes of charges are spread on a coarse scale, so that their sum at each point is known whatever their signs. */
enum sk_code sk_mesh_choose_charge_bits(struct sk_mesh *mesh, int n, const sk_frac (*x)[3], const double *charge,
                                        struct sk_error *err)
{
    const double coarse = 0x1p12;
    double *size = sk_alloc((size_t)n, sizeof *size);
    int64_t most = 0;
    for (int i = 0; i < n; i++)
        size[i] = fabs(charge[i]);
    sk_mesh_tiles_spread(mesh->tiles, n, x, size, coarse);
    sk_free(&size);
    sk_mesh_tiles_sum_begin(mesh->tiles);
    sk_mesh_tiles_sum_end(mesh->tiles, mesh->charge);
    for (size_t i = 0; i < sk_mesh_block_size(&mesh->block[SK_MESH_GRID]); i++)
        most = mesh->charge[i] > most ? mesh->charge[i] : most;
    sk_comm_max_i64(mesh->comm, &most, 1);
    if ((double)most < 64.0 * coarse)
        mesh->grid_scale = 0x1p24;
    else if ((double)most < 1024.0 * coarse)
        mesh->grid_scale = 0x1p20;
    else
        return sk_fail(err, SK_EINPUT, "charges of %.0f e meet at a point of the Ewald mesh; at most 1024 e can",
                       (double)most / coarse);
    return SK_OK;
}

int sk_mesh_charge_bits(const struct sk_mesh *mesh)
{
    return mesh->grid_scale == 0x1p24 ? 24 : 20;
}

void sk_mesh_set_charge_bits(struct sk_mesh *mesh, int bits)
{
    mesh->grid_scale = bits == 24 ? 0x1p24 : 0x1p20;
}

int sk_mesh_begin(struct sk_mesh *mesh, int n, const sk_frac (*x)[3], const double *charge)
{
    mesh->charge_of_atom = charge;
    const int nlost = sk_mesh_tiles_spread(mesh->tiles, n, x, charge, mesh->grid_scale);
    sk_mesh_tiles_sum_begin(mesh->tiles);
    return nlost;
}

/* All lines of a block along an axis, from one pair of arrays over the block to another. Along x the lines lie side by
 * side in whole planes, along y in rows, along z one after another. `points` is the length of the block along x on the
 * other side of a real transform. */
static void transform(struct sk_mesh *mesh, int axis, const struct sk_mesh_block *block, bool is_forward,
                      float *const from[2], float *const to[2])
{
    const int ny = block->hi[1] - block->lo[1], nz = block->hi[2] - block->lo[2], nx = block->hi[0] - block->lo[0];
    struct sk_fft_side side = {.re = NULL};
    struct sk_fft_lines lines;
    if (axis == 0)
        side = (struct sk_fft_side){.point = (ptrdiff_t)ny * nz, .line = 1, .inner = ny * nz};
    else if (axis == 1)
        side = (struct sk_fft_side){.point = nz, .line = 1, .inner = nz, .group = (ptrdiff_t)ny * nz};
    else
        side = (struct sk_fft_side){.point = 1, .line = nz, .inner = nx * ny};
    lines.count = axis == 0 ? ny * nz : axis == 1 ? nx * nz : nx * ny;
    lines.in = lines.out = side;
    lines.in.re = from[0];
    lines.in.im = from[1];
    lines.out.re = to[0];
    lines.out.im = to[1];
    if (sk_mesh_block_size(block) > 0)
        mesh->variant->fft(&mesh->fft[axis], is_forward, &lines, mesh->scratch);
}

/* To the other pair of arrays, unless all parts stay where they are. Returns which pair has the data. */
static int move(struct sk_mesh *mesh, struct sk_mesh_move *way, int now)
{
    if (sk_mesh_move_is_idle(way))
        return now;
    float *const *from = mesh->spectrum[now], *const *to = mesh->spectrum[!now];
    sk_mesh_move_begin(way, from[0], from[1]);
    sk_mesh_move_end(way, from[0], from[1], to[0], to[1]);
    return !now;
}

/* Adds the charges that came and converts them; false if one is beyond half the range. */
static bool collect_charges(struct sk_mesh *mesh)
{
    const float unit = (float)(1.0 / mesh->grid_scale);
    uint32_t crowd = 0;
    sk_mesh_tiles_sum_end(mesh->tiles, mesh->charge);
    for (size_t i = 0; i < sk_mesh_block_size(&mesh->block[SK_MESH_GRID]); i++) {
        mesh->real[i] = (float)mesh->charge[i] * unit;
        /* the two top bits differ outside -2^30 .. 2^30 */
        crowd |= (uint32_t)mesh->charge[i] ^ (uint32_t)mesh->charge[i] << 1;
    }
    return !(crowd >> 31);
}

bool sk_mesh_solve(struct sk_mesh *mesh, struct sk_mesh_sums *sums)
{
    const struct sk_mesh_block *block = mesh->block;
    float *const real[2] = {mesh->real, NULL};
    bool is_good = collect_charges(mesh);
    int now = 0;

    transform(mesh, 0, &block[SK_MESH_GRID], true, real, mesh->spectrum[now]);
    now = move(mesh, mesh->move[0], now);
    transform(mesh, 1, &block[SK_MESH_SPECTRUM_Y], true, mesh->spectrum[now], mesh->spectrum[now]);
    now = move(mesh, mesh->move[1], now);
    transform(mesh, 2, &block[SK_MESH_SPECTRUM_Z], true, mesh->spectrum[now], mesh->spectrum[now]);

    float *re = mesh->spectrum[now][0], *im = mesh->spectrum[now][1];
    if (sums)
        is_good &= sk_influence_sums(&mesh->influence, &block[SK_MESH_SPECTRUM_Z], mesh->g, re, im, &sums->energy,
                                     sums->virial);
    for (size_t i = 0; i < sk_mesh_block_size(&block[SK_MESH_SPECTRUM_Z]); i++) {
        re[i] *= mesh->g[i];
        im[i] *= mesh->g[i];
    }
    transform(mesh, 2, &block[SK_MESH_SPECTRUM_Z], false, mesh->spectrum[now], mesh->spectrum[now]);
    now = move(mesh, mesh->back[1], now);
    transform(mesh, 1, &block[SK_MESH_SPECTRUM_Y], false, mesh->spectrum[now], mesh->spectrum[now]);
    now = move(mesh, mesh->back[0], now);
    transform(mesh, 0, &block[SK_MESH_GRID], false, mesh->spectrum[now], real);
    sk_mesh_tiles_share_begin(mesh->tiles, mesh->real);
    return is_good;
}

void sk_mesh_end(struct sk_mesh *mesh, double scale, sk_fixed (*force)[3])
{
    double to_force[3][3]; /* by edge, by x, y, z: steps of the grid to length and energy to force units */
    sk_mesh_tiles_share_end(mesh->tiles, mesh->real);
    for (int e = 0; e < 3; e++)
        for (int d = 0; d < 3; d++)
            to_force[e][d] = -scale * mesh->layout.n[e] * mesh->influence.gradient[e][d];
    sk_mesh_tiles_gather(mesh->tiles, (const double(*)[3])to_force, mesh->charge_of_atom, force);
    mesh->charge_of_atom = NULL;
}

void sk_mesh_parts(const struct sk_mesh *mesh, int parts[2])
{
    memcpy(parts, mesh->layout.parts, sizeof mesh->layout.parts);
}

const struct sk_mesh_plan *sk_mesh_plan(const struct sk_mesh *mesh)
{
    return &mesh->influence.plan;
}

size_t sk_mesh_memory(const struct sk_mesh *mesh)
{
    size_t most = 0, points = sk_mesh_block_size(&mesh->block[SK_MESH_GRID]);
    for (int stage = SK_MESH_SPECTRUM_X; stage < SK_MESH_STAGES; stage++)
        most = sk_mesh_block_size(&mesh->block[stage]) > most ? sk_mesh_block_size(&mesh->block[stage]) : most;
    return sizeof *mesh + 8 * points + 16 * most + 4 * sk_mesh_block_size(&mesh->block[SK_MESH_SPECTRUM_Z]) +
           sk_mesh_tiles_memory(mesh->tiles);
}
