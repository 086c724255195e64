#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/partition.h"
#include "base/memory.h"
#include "geom/box.h"
#include "sim/whatif.h"

static void take_grid(const struct partition_request *request, struct partition_scene *scene)
{
    memcpy(scene->n, request->grid, sizeof scene->n);
    scene->reach = request->reach;
    scene->cells = (int64_t)scene->n[0] * scene->n[1] * scene->n[2];
    snprintf(scene->name, sizeof scene->name, "grid %d x %d x %d", scene->n[0], scene->n[1], scene->n[2]);
}

/* Cells with the list radius, or half of it, as edge, or a little more. */
static int take_cells(struct partition_scene *scene)
{
    double cells = 1;
    for (int k = 0; k < 3; k++) {
        double count = floor(scene->edge[k] / scene->list_radius * scene->reach);
        scene->n[k] = count < 1 ? 1 : count > 1048576 ? 1048576 : (int32_t)count;
        cells *= scene->n[k];
    }
    if (cells > INT32_MAX) {
        fprintf(stderr, "skein: the box has more than 2147483647 cells of the list radius\n");
        return SKEIN_INPUT;
    }
    scene->cells = (int64_t)cells;
    return 0;
}

static int32_t cell_of(const struct partition_scene *scene, const double *position)
{
    int64_t cell[3];
    for (int k = 0; k < 3; k++) {
        cell[k] = (int64_t)floor(position[k] / scene->edge[k] * scene->n[k]);
        cell[k] = cell[k] < 0 ? 0 : cell[k] >= scene->n[k] ? scene->n[k] - 1 : cell[k];
    }
    return (int32_t)(cell[0] + scene->n[0] * (cell[1] + scene->n[1] * cell[2]));
}

static void count_atoms(struct partition_scene *scene, const double *positions)
{
    scene->atoms = sk_calloc((size_t)scene->cells, sizeof *scene->atoms);
    for (int64_t i = 0; i < scene->natoms; i++)
        scene->atoms[cell_of(scene, positions + 3 * i)]++;
}

static void weigh_cells(struct partition_scene *scene, const struct sk_cost *cost)
{
    double edge[3];
    for (int k = 0; k < 3; k++)
        edge[k] = scene->edge[k] / scene->n[k];
    scene->pairs = sk_alloc((size_t)scene->cells, sizeof *scene->pairs);
    scene->weight = sk_alloc((size_t)scene->cells, sizeof *scene->weight);
    sk_load_pairs(scene->n, edge, scene->list_radius, scene->atoms, scene->pairs);
    sk_load_weigh(scene->cells, scene->pairs, scene->atoms, cost, scene->weight);
}

/* A constraint can only be cut where the cells of its ends differ. */
static void join_cells(struct partition_scene *scene, const struct skein *simulation, const double *positions)
{
    int64_t(*anchors)[2], n = sk_whatif_crossable(simulation, &anchors);
    scene->constraints = sk_whatif_constraints(simulation);
    scene->joined = sk_alloc((size_t)n, sizeof *scene->joined);
    for (int64_t k = 0; k < n; k++) {
        int32_t a = cell_of(scene, positions + 3 * anchors[k][0]), b = cell_of(scene, positions + 3 * anchors[k][1]);
        if (a == b)
            continue;
        scene->joined[scene->njoined][0] = a;
        scene->joined[scene->njoined++][1] = b;
    }
    sk_free(&anchors);
}

/* What the engine would do with each scheme on each number of ranks. */
static int suppose_all(const struct partition_request *request, struct partition_scene *scene, struct skein *simulation)
{
    scene->supposed = sk_calloc((size_t)request->nranks * (size_t)request->nschemes, sizeof *scene->supposed);
    for (int r = 0; r < request->nranks; r++)
        for (int s = 0; s < request->nschemes; s++)
            if (!sk_whatif_suppose(simulation, request->ranks[r], (enum sk_curve)request->scheme[s],
                                   &scene->supposed[r * request->nschemes + s])) {
                fprintf(stderr, "skein: --imports wants all atoms on one process: start it without mpirun\n");
                return SKEIN_INPUT;
            }
    return 0;
}

/* Makes a box of right angles with the same distances between faces, and places with the same fractions: cells are the
 * same, and what is near. */
static void straighten(struct partition_scene *scene, const struct skein *simulation, double *positions)
{
    double h[3][3];
    skein_get_lattice(simulation, h);
    const struct sk_box box = {{h[0][0], h[1][1], h[2][2]}, {h[1][0], h[2][0], h[2][1]}};
    sk_box_widths(&box, scene->edge);
    for (int64_t i = 0; i < scene->natoms && !sk_box_is_rectangular(&box); i++) {
        double s[3];
        sk_box_fractions(&box, positions + 3 * i, s);
        for (int k = 0; k < 3; k++)
            positions[3 * i + k] = s[k] * scene->edge[k];
    }
}

int partition_scene_take(const struct partition_request *request, struct skein *simulation,
                         struct partition_scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->reach = request->reach;
    scene->natoms = skein_atoms(simulation);
    scene->list_radius = skein_list_radius(simulation);
    scene->is_reduced = skein_is_reduced(simulation);
    double *positions = sk_alloc((size_t)scene->natoms * 3, sizeof *positions);
    int code = skein_get_positions(simulation, positions);
    if (!code)
        straighten(scene, simulation, positions);
    if (code)
        app_fail(simulation, code);
    else if (skein_rank(simulation) == 0) {
        snprintf(scene->name, sizeof scene->name, "%s", request->run_file);
        code = take_cells(scene);
        if (!code) {
            count_atoms(scene, positions);
            weigh_cells(scene, &request->cost);
            join_cells(scene, simulation, positions);
            if (request->has_imports)
                code = suppose_all(request, scene, simulation);
        }
    }
    sk_free(&positions);
    return code;
}

static int take_configuration(const struct partition_request *request, struct partition_scene *scene, bool *is_mine)
{
    struct skein *simulation;
    struct skein_options options;
    skein_options_init(&options);
    options.overrides = request->overrides;
    options.noverrides = request->noverrides;
    options.quiet = 1;
    int code = skein_open(request->run_file, &options, &simulation);
    *is_mine = skein_rank(simulation) == 0;
    if (code)
        app_fail(simulation, code);
    else
        code = partition_scene_take(request, simulation, scene);
    skein_close(&simulation);
    return code;
}

int partition_scene_make(const struct partition_request *request, struct partition_scene *scene, bool *is_mine)
{
    memset(scene, 0, sizeof *scene);
    if (request->run_file)
        return take_configuration(request, scene, is_mine);
    *is_mine = app_is_first_rank();
    take_grid(request, scene);
    return 0;
}

void partition_scene_clear(struct partition_scene *scene)
{
    sk_free(&scene->atoms);
    sk_free(&scene->pairs);
    sk_free(&scene->weight);
    sk_free(&scene->joined);
    sk_free(&scene->supposed);
}
