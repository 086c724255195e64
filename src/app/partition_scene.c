#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/partition.h"
#include "base/memory.h"

static void take_grid(const struct partition_request *request, struct partition_scene *scene)
{
    memcpy(scene->n, request->grid, sizeof scene->n);
    scene->cells = (int64_t)scene->n[0] * scene->n[1] * scene->n[2];
    snprintf(scene->name, sizeof scene->name, "grid %d x %d x %d", scene->n[0], scene->n[1], scene->n[2]);
}

/* Cells with the list radius as edge, or a little more. */
static int take_cells(struct partition_scene *scene)
{
    double cells = 1;
    for (int k = 0; k < 3; k++) {
        double count = floor(scene->edge[k] / scene->list_radius);
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

static void count_atoms(struct partition_scene *scene, const double *positions)
{
    scene->atoms = sk_calloc((size_t)scene->cells, sizeof *scene->atoms);
    for (int64_t i = 0; i < scene->natoms; i++) {
        int64_t cell[3];
        for (int k = 0; k < 3; k++) {
            cell[k] = (int64_t)floor(positions[3 * i + k] / scene->edge[k] * scene->n[k]);
            cell[k] = cell[k] < 0 ? 0 : cell[k] >= scene->n[k] ? scene->n[k] - 1 : cell[k];
        }
        scene->atoms[cell[0] + scene->n[0] * (cell[1] + scene->n[1] * cell[2])]++;
    }
}

/* Replaces every value by the sum over itself and its distinct neighbours along one axis, periodically. */
static void add_neighbours(int64_t *value, const int32_t n[3], int axis)
{
    int64_t stride = axis == 0 ? 1 : axis == 1 ? n[0] : (int64_t)n[0] * n[1];
    int64_t cells = (int64_t)n[0] * n[1] * n[2], length = n[axis];
    int64_t *line = sk_alloc((size_t)length, sizeof *line);
    for (int64_t first = 0; first < cells; first++) {
        if (first / stride % length)
            continue;
        for (int64_t i = 0; i < length; i++)
            line[i] = value[first + i * stride];
        for (int64_t i = 0; i < length; i++) {
            int64_t sum = line[i];
            if (length > 1)
                sum += line[(i + 1) % length];
            if (length > 2)
                sum += line[(i + length - 1) % length];
            value[first + i * stride] = sum;
        }
    }
    sk_free(&line);
}

static void weigh_cells(struct partition_scene *scene, const double cost[3])
{
    scene->weight = sk_alloc((size_t)scene->cells, sizeof *scene->weight);
    for (int64_t c = 0; c < scene->cells; c++)
        scene->weight[c] = scene->atoms[c];
    for (int k = 0; k < 3; k++)
        add_neighbours(scene->weight, scene->n, k);
    for (int64_t c = 0; c < scene->cells; c++) {
        double atoms = scene->atoms[c];
        scene->weight[c] = (int64_t)(cost[0] * atoms * (double)scene->weight[c] + cost[1] * atoms + cost[2]);
    }
}

static int take_configuration(const struct partition_request *request, struct partition_scene *scene, bool *is_mine)
{
    struct skein *simulation;
    struct skein_options options;
    skein_options_init(&options);
    options.overrides = request->overrides;
    options.noverrides = request->noverrides;
    options.quiet = 1;
    double *positions = NULL;
    int code = skein_open(request->run_file, &options, &simulation);
    if (!code) {
        scene->natoms = skein_atoms(simulation);
        scene->list_radius = skein_list_radius(simulation);
        positions = sk_alloc((size_t)scene->natoms * 3, sizeof *positions);
        code = skein_get_box(simulation, scene->edge);
        if (!code)
            code = skein_get_positions(simulation, positions);
    }
    *is_mine = skein_rank(simulation) == 0;
    if (code)
        app_fail(simulation, code);
    skein_close(&simulation);
    if (!code && *is_mine) {
        snprintf(scene->name, sizeof scene->name, "%s", request->run_file);
        code = take_cells(scene);
        if (!code) {
            count_atoms(scene, positions);
            weigh_cells(scene, request->cost);
        }
    }
    sk_free(&positions);
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
    sk_free(&scene->weight);
}
