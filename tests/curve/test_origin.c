/* Origin: shares seen from another cell, and plans of slabs and droplets wherever they are in the box. Expected: the
 * definition, and that a periodic box has no faces: what is shifted as a whole has the same ghosts. */
#include "curve/origin.h"

#include "uneven.h"

static void moved_shares_are_the_same_ones(void **state)
{
    (void)state;
    for (int trial = 0; trial < 50; trial++) {
        struct sk_share share = random_share(9), moved;
        int32_t origin[3];
        const int32_t *n = share.n;
        for (int k = 0; k < 3; k++)
            origin[k] = (int32_t)(random_u32() % (unsigned)n[k]);
        sk_origin_move(&share, origin, &moved);
        for (int32_t c = 0; c < cells_in(n); c++) {
            int32_t at[3] = {c % n[0], c / n[0] % n[1], c / n[0] / n[1]};
            for (int k = 0; k < 3; k++)
                at[k] = sk_origin_place(at[k], origin[k], n[k]);
            int32_t to = at[0] + n[0] * (at[1] + n[1] * at[2]);
            assert_int_equal(moved.weight[to], share.weight[c]);
            assert_int_equal(moved.atoms[to], share.atoms[c]);
        }
        sk_origin_clear(&share, &moved);
        clear_share(&share);
    }
}

static void even_boxes_stay_as_they_are(void **state)
{
    (void)state;
    int64_t weight[4 * 5 * 6];
    struct sk_share share = {{4, 5, 6}, 3, weight, NULL, 0.0, NULL};
    int32_t origin[3];
    for (int c = 0; c < 120; c++)
        weight[c] = 100 + c % 7;
    sk_origin_choose(&share, origin);
    assert_true(origin[0] == 0 && origin[1] == 0 && origin[2] == 0);
    share.weight = NULL;
    sk_origin_choose(&share, origin);
    assert_true(origin[0] == 0 && origin[1] == 0 && origin[2] == 0);
}

/* Opened at the face that was given, a slab across it costs 27 % more. */
static void ghosts_do_not_depend_on_the_place(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct sk_share share = uneven_share(kind, 1, 64);
        double least = 0.0, most = 0.0;
        share.slack = 0.03;
        for (int step = 0; step < 11; step++) {
            struct sk_count_summary summary;
            int32_t *owner = owners_of(&share, SK_SCHEME_KD, 0);
            summarize(&share, owner, &summary);
            free(owner);
            least = step && summary.ghost_atoms_mean > least ? least : summary.ghost_atoms_mean;
            most = summary.ghost_atoms_mean > most ? summary.ghost_atoms_mean : most;
            move_share(&share, step % 3, (const int32_t[3]){3 * kind, 7 * kind, 3});
        }
        print_message("           case %d: ghosts between %.0f and %.0f\n", kind, least, most);
        assert_true(most <= 1.05 * least);
        clear_share(&share);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_shares_are_the_same_ones),
        cmocka_unit_test(even_boxes_stay_as_they_are),
        cmocka_unit_test(ghosts_do_not_depend_on_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
