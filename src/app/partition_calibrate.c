#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/partition.h"
#include "base/memory.h"
#include "par/links.h"
#include "par/measure.h"
#include "sim/whatif.h"

#define WARMUP  64  /* steps before anything is measured */
#define STEPS   100 /* of one measurement: a few list rebuilds */
#define REPEATS 4   /* of a measurement */
#define ROUNDS  400 /* of a measurement of messages; the first decile counts */
#define SMALL   64  /* bytes of a message whose time is all latency */
#define LARGE   (1 << 18)
#define BUSY    1.15 /* wall time of work over its processor time, above which others had the cores too */

struct calibration {
    const struct partition_request *request;
    struct sk_comm *world;
    struct partition_constants constants;
    double busy; /* wall time over processor time of the run alone; 0: not measured */
    struct sk_error err;
};

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double first_decile(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare_double);
    return values[n / 10];
}

/* ---- messages ---- */

/* One message each way between the first and the last rank, on links as the engine's halo has them. */
struct pair_links {
    struct sk_links *there, *back;
    unsigned char *data;
    size_t length;
    int rank, last;
};

/* Collective. */
static void pair_open(struct pair_links *p, struct sk_comm *world, size_t length)
{
    int rank = sk_comm_rank(world), last = sk_comm_size(world) - 1, first = 0;
    bool is_first = rank == 0, is_last = rank == last;
    *p = (struct pair_links){.length = length, .rank = rank, .last = last, .data = sk_calloc(length, 1)};
    p->there = sk_links_new(world, 0, is_first, &last, &length, is_last, &first, &length);
    p->back = sk_links_new(world, 1, is_last, &first, &length, is_first, &last, &length);
}

static void pair_close(struct pair_links *p)
{
    sk_links_free(&p->there);
    sk_links_free(&p->back);
    sk_free(&p->data);
}

static void send_one(struct pair_links *p, struct sk_links *links)
{
    memcpy(sk_links_send_buffer(links, 0), p->data, p->length);
    sk_links_begin(links);
    sk_links_end(links);
}

static void receive_one(struct pair_links *p, struct sk_links *links)
{
    sk_links_begin(links);
    while (sk_links_arrived(links) >= 0)
        memcpy(p->data, sk_links_recv_buffer(links, 0), p->length);
    sk_links_end(links);
}

/* Collective. Seconds of one message: half of a round. */
static double message_time(struct sk_comm *world, size_t length, int rounds)
{
    struct pair_links p;
    double *times = sk_alloc((size_t)rounds, sizeof *times), result = 0;
    pair_open(&p, world, length);
    sk_comm_barrier(world);
    for (int i = -10; i < rounds; i++) {
        double began = sk_comm_wall();
        if (p.rank == 0) {
            send_one(&p, p.there);
            receive_one(&p, p.back);
        } else if (p.rank == p.last) {
            receive_one(&p, p.there);
            send_one(&p, p.back);
        }
        if (i >= 0)
            times[i] = 0.5 * (sk_comm_wall() - began);
    }
    result = first_decile(times, rounds);
    sk_comm_bcast(world, &result, sizeof result, 0);
    pair_close(&p);
    sk_free(&times);
    return result;
}

/* Collective. Seconds of the step's reduction. */
static double reduction_time(struct sk_comm *world)
{
    static const struct sk_reduction nothing;
    struct sk_reduction global;
    double times[ROUNDS], result;
    for (int i = 0; i < ROUNDS; i++) {
        double began = sk_comm_wall();
        sk_reduction_begin(world, &nothing);
        sk_reduction_end(world, &global);
        times[i] = sk_comm_wall() - began;
    }
    result = first_decile(times, ROUNDS);
    sk_comm_bcast(world, &result, sizeof result, 0);
    return result;
}

/* Local. Keeps this process on one of its processors, by number (they repeat); false if that cannot be done. */
static bool stay_on(const cpu_set_t *allowed, int number)
{
    int count = CPU_COUNT(allowed), cpu = 0;
    cpu_set_t one;
    for (int left = count > 0 ? number % count : 0; cpu < CPU_SETSIZE - 1; cpu++)
        if (CPU_ISSET(cpu, allowed) && left-- == 0)
            break;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return count > 0 && sched_setaffinity(0, sizeof one, &one) == 0;
}

/* Messages with a core for each process, then with one core for all: what waiting for one's turn takes. Where processes
 * cannot be kept on cores, the operating system puts them, and waiting is not measured. */
static void measure_messages(struct calibration *c)
{
    cpu_set_t before;
    bool is_known = sched_getaffinity(0, sizeof before, &before) == 0;
    if (is_known)
        stay_on(&before, sk_comm_rank(c->world));
    double small = message_time(c->world, SMALL, ROUNDS), large = message_time(c->world, LARGE, ROUNDS / 4);
    c->constants.message = 1e9 * small;
    c->constants.byte = large > small ? 1e9 * (large - small) / (LARGE - SMALL) : 0;
    c->constants.reduce = 1e9 * reduction_time(c->world) / log2(c->constants.processes);
    int64_t has_failed = !is_known || !stay_on(&before, 0);
    sk_comm_max_i64(c->world, &has_failed, 1);
    double shared = has_failed ? small : message_time(c->world, SMALL, ROUNDS);
    c->constants.handover = shared > small ? 1e9 * (shared - small) : 0;
    if (is_known)
        sched_setaffinity(0, sizeof before, &before);
}

/* ---- work ---- */

/* Means over all steps. fastest: of the stretches, by wall time or by the processor time of all ranks over the cores
 * that they have, whichever is less: ranks never sleep, so the latter is what a step would take without others. */
struct pace {
    double fastest, step, processor, pairs, atoms, rebuild;
};

static int active_cores(int ranks, int cores)
{
    return ranks < cores ? ranks : cores;
}

/* Collective over comm. Runs the system; takes the scene too unless NULL. *pace is zeroed by the caller. */
static int run_system(struct calibration *c, struct sk_comm *comm, struct pace *pace, struct partition_scene *scene)
{
    struct skein *simulation;
    struct skein_options options;
    skein_options_init(&options);
    options.mpi_comm = sk_comm_mpi(comm);
    options.overrides = c->request->overrides;
    options.noverrides = c->request->noverrides;
    options.quiet = 1;
    int code = skein_open(c->request->run_file, &options, &simulation);
    if (!code)
        code = skein_step(simulation, WARMUP);
    for (int i = 0; i < REPEATS && !code; i++) {
        struct sk_pace now;
        code = sk_whatif_pace(simulation, STEPS, &now);
        int64_t used = (int64_t)(1e9 * now.processor);
        sk_comm_sum_i64(comm, &used, 1);
        double unshared = fmin(now.step, 1e-9 * (double)used / active_cores(sk_comm_size(comm), c->constants.cores));
        pace->fastest = i == 0 || unshared < pace->fastest ? unshared : pace->fastest;
        pace->step += now.step / REPEATS;
        pace->processor += now.processor / REPEATS;
        pace->pairs += now.pairs / REPEATS;
        pace->atoms += now.atoms / REPEATS;
        pace->rebuild += now.rebuild / REPEATS;
    }
    if (code)
        sk_fail(&c->err, (enum sk_code)code, "%s", skein_message(simulation));
    else if (scene)
        code = partition_scene_take(c->request, simulation, scene);
    skein_close(&simulation);
    return code;
}

/* From the first rank's run alone. */
static void divide_work(struct calibration *c, const struct pace *pace, const struct partition_scene *scene)
{
    struct partition_constants *k = &c->constants;
    double pairs = 0, filled = 0, volume = scene->edge[0] * scene->edge[1] * scene->edge[2];
    for (int64_t i = 0; i < scene->cells; i++) {
        pairs += (double)scene->pairs[i] / 16;
        filled += scene->atoms[i] > 0;
    }
    double atoms = (double)scene->natoms, radius = scene->list_radius;
    double scale = 1e9 * pace->processor / pace->step; /* without what others took of the core */
    k->pair = scale * pace->pairs / fmax(pairs, 1);
    k->atom = scale * pace->atoms / atoms;
    k->cell = scale * pace->rebuild / filled;
    k->pairs_per_atom = pairs / atoms;
    k->atoms_per_cell = atoms * radius * radius * radius / volume;
}

/* What is left of a step of all ranks together when the model has said its part goes to the ghosts. */
static void fit_ghosts(struct calibration *c, const struct pace *pace, const struct partition_scene *scene)
{
    struct partition_constants *k = &c->constants;
    struct sk_share share = {.nranks = k->processes, .weight = scene->weight, .atoms = scene->atoms};
    struct sk_plan plan;
    int32_t *owner = sk_alloc((size_t)scene->cells, sizeof *owner);
    struct partition_tally *tally = sk_alloc((size_t)k->processes, sizeof *tally);
    double ghosts = 0;
    memcpy(share.n, scene->n, sizeof share.n);
    sk_plan_make(&plan, &share, SK_SCHEME_HILBERT, 0);
    sk_plan_owners(&plan, owner);
    partition_model_count(scene, k, k->processes, owner, tally);
    for (int r = 0; r < k->processes; r++)
        ghosts += tally[r].ghosts;
    k->ghost = 0;
    int active = active_cores(k->processes, k->cores);
    double rest = 1e9 * pace->fastest - partition_model_step(k, k->processes, k->processes, tally);
    k->ghost = ghosts > 0 && rest > 0 ? rest * active / ghosts : 0;
    sk_plan_clear(&plan);
    sk_free(&tally);
    sk_free(&owner);
}

/* Collective. The system on the first rank alone, on every rank by itself, and on all together. */
static int measure_work(struct calibration *c)
{
    struct sk_comm *alone = sk_comm_new_alone();
    struct partition_scene scene = {0};
    struct pace single = {0}, crowded = {0}, together = {0};
    int code = 0;
    if (sk_comm_rank(c->world) == 0)
        code = run_system(c, alone, &single, &scene);
    sk_comm_wait_asleep(c->world);
    code = (int)sk_comm_agree(c->world, &c->err, (enum sk_code)code);
    if (!code)
        code = (int)sk_comm_agree(c->world, &c->err, (enum sk_code)run_system(c, alone, &crowded, NULL));
    if (!code)
        code = run_system(c, c->world, &together, NULL);
    if (!code) {
        sk_comm_max_f64(c->world, &crowded.processor, 1);
        if (sk_comm_rank(c->world) == 0) {
            c->constants.crowd = fmax(1, crowded.processor / single.processor);
            c->busy = single.step / single.processor;
            divide_work(c, &single, &scene);
            fit_ghosts(c, &together, &scene);
            snprintf(c->constants.run_file, sizeof c->constants.run_file, "%s", c->request->run_file);
        }
    }
    partition_scene_clear(&scene);
    sk_comm_free(&alone);
    return code;
}

/* ---- the file ---- */

/* Beside the run file, or in the current folder. */
static void name_output(const struct partition_request *request, char *path, size_t size)
{
    static const char name[] = "skein-calibration.json";
    const char *slash = request->run_file ? strrchr(request->run_file, '/') : NULL;
    if (request->output)
        snprintf(path, size, "%s", request->output);
    else
        snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - request->run_file) : 0, slash ? request->run_file : "",
                 name);
}

static void print_constants(const struct partition_constants *c, const char *path)
{
    printf("%-44s %.1f ns, and %.4f ns a byte (%.2f GB/s)\n", "message between two processes", c->message, c->byte,
           c->byte > 0 ? 1 / c->byte : NAN);
    printf("%-44s %.1f ns more\n", "message when they share a core", c->handover);
    printf("%-44s %.1f ns for each doubling of ranks\n", "reduction", c->reduce);
    if (c->run_file[0]) {
        printf("%-44s %.3f ns\n%-44s %.1f ns\n%-44s %.1f ns\n%-44s %.1f ns\n%-44s %.3f\n",
               "pair within the list radius", c->pair, "atom", c->atom, "cell with atoms", c->cell, "imported atom",
               c->ghost, "work with all processes over work alone", c->crowd);
        printf("%-44s %.4g, and %.4g pairs an atom\n", "atoms in a cell of the list radius", c->atoms_per_cell,
               c->pairs_per_atom);
    } else
        printf("no work was measured: give a run file for that\n");
    printf("%-44s %d, %d processes measured\nwritten to %s\n", "cores", c->cores, c->processes, path);
}

static int calibrate_all(struct calibration *c)
{
    char path[4096];
    c->constants.processes = sk_comm_size(c->world);
    c->constants.cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (c->constants.processes < 2)
        return (int)sk_fail(&c->err, SK_EINPUT,
                            "--calibrate measures messages between processes and needs two or more, one a core: mpirun "
                            "-n 2 skein partition%s%s --calibrate",
                            c->request->run_file ? " " : "", c->request->run_file ? c->request->run_file : "");
    name_output(c->request, path, sizeof path);
    measure_messages(c);
    int code = c->request->run_file ? measure_work(c) : 0;
    if (!code && sk_comm_rank(c->world) == 0) {
        code = (int)partition_constants_write(path, &c->constants, &c->err);
        if (!code)
            print_constants(&c->constants, path);
        if (!code && c->busy > BUSY)
            fprintf(stderr,
                    "skein: the machine is busy: a run alone had a core for %.0f %% of the time only; calibrate again "
                    "when it is quiet\n",
                    100 / c->busy);
    }
    return (int)sk_comm_agree(c->world, &c->err, (enum sk_code)code);
}

int partition_calibrate(const struct partition_request *request)
{
    struct calibration c = {.request = request, .world = sk_comm_new(NULL)};
    int code = calibrate_all(&c);
    if (code && sk_comm_rank(c.world) == 0)
        fprintf(stderr, "skein: %s\n", c.err.message);
    sk_comm_free(&c.world);
    return code;
}
