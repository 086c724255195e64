/* Slide of k-d plans. Expected: recounts from the map of owners before and after, and exhaustive search over the places
 * of the one plane between two ranks. */
#include "curve/kd_slide.h"

#include <math.h>

#include "uneven.h"

static int64_t heaviest_rank(const struct sk_share *share, const int32_t *owner)
{
    int64_t load[64] = {0}, most = 0;
    for (int32_t c = 0; c < cells_in(share->n); c++)
        load[owner[c]] += share->weight[c];
    for (int r = 0; r < share->nranks; r++)
        most = load[r] > most ? load[r] : most;
    return most;
}

static int64_t ghost_atoms_of(const struct sk_share *share, const int32_t *owner)
{
    struct sk_count_summary summary;
    summarize(share, owner, &summary);
    return summary.ghost_atoms;
}

/* At least three cells along each axis, as the map wants for counting. */
static struct sk_share wide_share(int most)
{
    struct sk_share share = random_share(most);
    while (share.n[0] < 3 || share.n[1] < 3 || share.n[2] < 3) {
        clear_share(&share);
        share = random_share(most);
    }
    return share;
}

/* Planned, but not slid; any tree will do, so it is taken as one of the share that was not moved. */
static void plan_tree(struct sk_plan *plan, struct sk_share *share, int32_t *owner)
{
    share->slack = 0.0;
    sk_plan_make(plan, share, SK_SCHEME_KD, 0);
    memset(plan->origin, 0, sizeof plan->origin);
    sk_plan_owners(plan, owner);
}

/* Slides the plan; owner gets the map after that. */
static void slide(struct sk_plan *plan, const struct sk_share *share, int64_t cap, int32_t *owner)
{
    struct sk_map map;
    sk_map_init(&map, share);
    sk_plan_owners(plan, map.owner);
    sk_map_gather(&map);
    sk_kd_slide(plan, &map, cap);
    sk_map_clear(&map);
    sk_plan_owners(plan, owner);
}

static void loads_stay_within_the_cap(void **state)
{
    (void)state;
    int fewer = 0, over = 0;
    for (int trial = 0; trial < 200; trial++) {
        struct sk_share share = wide_share(12);
        struct sk_plan plan;
        size_t cells = (size_t)cells_in(share.n);
        int32_t *before = malloc(cells * sizeof *before), *after = malloc(cells * sizeof *after);
        plan_tree(&plan, &share, before);
        struct sk_plane old[30];
        memcpy(old, plan.plane, ((size_t)share.nranks - 1) * sizeof *old);
        int64_t heaviest = heaviest_rank(&share, before), cap = heaviest + (trial % 3 - 1) * heaviest / 20;
        slide(&plan, &share, cap, after);
        int64_t now = heaviest_rank(&share, after);
        assert_true(now <= (cap > heaviest ? cap : heaviest));
        for (int k = 0; k < share.nranks - 1; k++) { /* the same tree */
            assert_int_equal(plan.plane[k].left, old[k].left);
            assert_int_equal(plan.plane[k].axis, old[k].axis);
        }
        int64_t was = ghost_atoms_of(&share, before), is = ghost_atoms_of(&share, after);
        if (heaviest <= cap)
            assert_true(is <= was);
        fewer += is < was;
        over += heaviest > cap && now < heaviest;
        free(after);
        free(before);
        sk_plan_clear(&plan);
        clear_share(&share);
    }
    print_message("           fewer ghosts in %d of 200; %d were lighter where they were above the cap\n", fewer, over);
    assert_true(fewer > 100 && over > 20);
}

/* The fewest ghosts with which a plane like this, in any place and with any step, keeps both ranks under the cap. */
static int64_t least_of_all_planes(struct sk_plan *plan, const struct sk_share *share, int64_t cap)
{
    const int32_t *n = share->n;
    struct sk_plane *plane = plan->plane;
    int32_t *owner = malloc((size_t)cells_in(n) * sizeof *owner);
    int64_t least = INT64_MAX;
    int axis = plane->axis;
    for (int turn = 0; turn < 8; turn++) {
        int b = (axis + 1 + turn / 4) % 3, c = 3 - axis - b;
        plane->second = (uint8_t)b;
        plane->flip = (uint8_t)(turn % 4);
        for (int32_t i = 0; i < cells_in(n); i++) {
            plane->at[0] = i / (n[b] * n[c]);
            plane->at[1] = i / n[c] % n[b];
            plane->at[2] = i % n[c];
            sk_plan_owners(plan, owner);
            if (heaviest_rank(share, owner) > cap)
                continue;
            int64_t ghosts = ghost_atoms_of(share, owner);
            least = ghosts < least ? ghosts : least;
        }
    }
    free(owner);
    return least;
}

static void one_plane_finds_its_place(void **state)
{
    (void)state;
    double sum = 0.0;
    int trials = 0;
    while (trials < 20) {
        struct sk_share share = wide_share(7);
        struct sk_plan plan;
        share.nranks = 2;
        int32_t *owner = malloc((size_t)cells_in(share.n) * sizeof *owner);
        plan_tree(&plan, &share, owner);
        int64_t cap = heaviest_rank(&share, owner) * 21 / 20;
        slide(&plan, &share, cap, owner);
        int64_t found = ghost_atoms_of(&share, owner), least = least_of_all_planes(&plan, &share, cap);
        assert_true(found >= least);
        if (least > 0) {
            sum += (double)found / (double)least;
            trials++;
        }
        free(owner);
        sk_plan_clear(&plan);
        clear_share(&share);
    }
    print_message("           ghosts over the fewest possible: %.4f\n", sum / trials);
    assert_true(sum / trials <= 1.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_stay_within_the_cap),
        cmocka_unit_test(one_plane_finds_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
