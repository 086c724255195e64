/* The loops of fragment.h; included by variant.c, which compiles it for one instruction set. */
#include "kernel/fragment.h"

sk_fragment_positions_kernel VARIANT(fragment_positions);
sk_fragment_velocities_kernel VARIANT(fragment_velocities);

/* FRAGMENT_BLOCKS vectors are a batch, solved one after another. */
#define FRAGMENT_BLOCKS (SK_FRAGMENT_LANES / LANES_WIDTH)
typedef vd fragment_row[FRAGMENT_BLOCKS];

#define FRAGMENT_ROW(array)     ((fragment_row *)(void *)(array))    /* [n][LANES] */
#define FRAGMENT_BOND(array, k) ((fragment_row *)(void *)(array)[k]) /* [n][3][LANES]: three rows */
#define FRAGMENT_DOT(a, b, block) \
    ((a)[0][block] * (b)[0][block] + (a)[1][block] * (b)[1][block] + (a)[2][block] * (b)[2][block])

/* New bonds, f and its largest part: of positions f = (d^2 - r^2) / 2, of velocities f = -s . v. */
LANES_INLINE void fragment_residual(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes, int block,
                                    bool is_positions, vd *residual)
{
    const fragment_row *lambda = FRAGMENT_ROW(lanes->lambda);
    vd worst = {0};
    for (int k = 0; k < shape->nwindow; k++) {
        const fragment_row *p = FRAGMENT_BOND(lanes->p, k), *sk = FRAGMENT_BOND(lanes->s, k);
        fragment_row *r = FRAGMENT_BOND(lanes->r, k);
        vd x = p[0][block], y = p[1][block], z = p[2][block];
        for (int n = shape->neighbour_start[k]; n < shape->neighbour_start[k + 1]; n++) {
            const int l = shape->neighbour[n];
            const fragment_row *s = FRAGMENT_BOND(lanes->s, l);
            const vd move = shape->coupling[n] * lambda[l][block];
            x += move * s[0][block];
            y += move * s[1][block];
            z += move * s[2][block];
        }
        r[0][block] = x;
        r[1][block] = y;
        r[2][block] = z;
        const double length2 = shape->length2[k];
        const vd f = is_positions ? 0.5 * (length2 - (x * x + y * y + z * z))
                                  : -(x * sk[0][block] + y * sk[1][block] + z * sk[2][block]);
        FRAGMENT_ROW(lanes->f)[k][block] = f;
        /* A NaN takes the place of any number and no number takes its place. */
        const vd part = LANES_MAGNITUDE(f) * (1.0 / length2);
        const vl is_kept = (part <= worst) | (worst != worst);
        worst = LANES_PICK(is_kept, worst, part);
    }
    *residual = worst;
}

/* Row and column k of J inside the envelope, J_kl = c_kl b_k . s_l, where b is r or, for velocities, s. */
LANES_INLINE void fragment_fill(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes,
                                double (*b)[3][SK_FRAGMENT_LANES], int block, int k, fragment_row *lower,
                                fragment_row *upper, vd *diagonal)
{
    const fragment_row *bk = FRAGMENT_BOND(b, k), *sk = FRAGMENT_BOND(lanes->s, k);
    const int first = shape->first[k];
    for (int m = 0; m < k - first; m++)
        lower[m][block] = upper[m][block] = (vd){0};
    for (int n = shape->neighbour_start[k]; n < shape->neighbour_start[k + 1]; n++) {
        const int l = shape->neighbour[n];
        if (l > k)
            continue;
        const double c = shape->coupling[n];
        if (l == k) {
            *diagonal = c * FRAGMENT_DOT(bk, sk, block);
            continue;
        }
        const fragment_row *bl = FRAGMENT_BOND(b, l), *sl = FRAGMENT_BOND(lanes->s, l);
        lower[l - first][block] = c * FRAGMENT_DOT(bk, sl, block);
        upper[l - first][block] = c * FRAGMENT_DOT(bl, sk, block);
    }
}

/* J = L U without pivoting, row by row (L has a unit diagonal), while y = f becomes L^-1 f. */
LANES_INLINE void fragment_factor(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes,
                                  double (*b)[3][SK_FRAGMENT_LANES], int block, vd *pivot)
{
    fragment_row *y = FRAGMENT_ROW(lanes->f), *inverse = FRAGMENT_ROW(lanes->diagonal);
    vd smallest = 1.0 - (vd){0};
    for (int k = 0; k < shape->nwindow; k++) {
        const int first = shape->first[k];
        fragment_row *lower = FRAGMENT_ROW(lanes->lower) + shape->row_start[k];
        fragment_row *upper = FRAGMENT_ROW(lanes->upper) + shape->row_start[k];
        vd diagonal = {0};
        fragment_fill(shape, lanes, b, block, k, lower, upper, &diagonal);
        vd u = diagonal, yk = y[k][block];
        for (int j = first; j < k; j++) {
            const int start = shape->first[j] > first ? shape->first[j] : first;
            const fragment_row *lower_j = FRAGMENT_ROW(lanes->lower) + shape->row_start[j] + (start - shape->first[j]);
            const fragment_row *upper_j = FRAGMENT_ROW(lanes->upper) + shape->row_start[j] + (start - shape->first[j]);
            const fragment_row *lower_k = lower + (start - first), *upper_k = upper + (start - first);
            vd a = lower[j - first][block], c = upper[j - first][block];
            for (int m = 0; m < j - start; m++) {
                a -= lower_k[m][block] * upper_j[m][block];
                c -= lower_j[m][block] * upper_k[m][block];
            }
            a *= inverse[j][block];
            lower[j - first][block] = a;
            upper[j - first][block] = c;
            u -= a * c;
            yk -= a * y[j][block];
        }
        y[k][block] = yk;
        inverse[k][block] = 1.0 / u;
        const vd share = u / diagonal;
        smallest = LANES_PICK((vl)(share < smallest), share, smallest);
    }
    *pivot = smallest;
}

/* U x = y; x is added to the multipliers of the lanes that are active. */
LANES_INLINE void fragment_substitute(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes, int block,
                                      const vl *is_active)
{
    fragment_row *y = FRAGMENT_ROW(lanes->f), *lambda = FRAGMENT_ROW(lanes->lambda);
    const fragment_row *inverse = FRAGMENT_ROW(lanes->diagonal);
    for (int k = shape->nwindow - 1; k >= 0; k--) {
        const int first = shape->first[k];
        const fragment_row *upper = FRAGMENT_ROW(lanes->upper) + shape->row_start[k];
        const vd x = y[k][block] * inverse[k][block];
        for (int m = first; m < k; m++)
            y[m][block] -= upper[m - first][block] * x;
        lambda[k][block] = LANES_PICK(*is_active, lambda[k][block] + x, lambda[k][block]);
    }
}

LANES_INLINE void fragment_report(struct sk_fragment_lanes *lanes, int block, const vd *residual, const vd *pivot,
                                  const vl *steps)
{
    for (int lane = 0; lane < LANES_WIDTH; lane++) {
        lanes->residual[block * LANES_WIDTH + lane] = (*residual)[lane];
        lanes->pivot[block * LANES_WIDTH + lane] = (*pivot)[lane];
        lanes->steps[block * LANES_WIDTH + lane] = (int)(*steps)[lane];
    }
}

void VARIANT(fragment_positions)(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes, double limit,
                                 int max_steps)
{
    for (int block = 0; block < FRAGMENT_BLOCKS; block++) {
        vd residual, pivot = 1.0 - (vd){0};
        vl steps = {0};
        for (int step = 0;; step++) {
            fragment_residual(shape, lanes, block, true, &residual);
            /* False for NaN: no step can mend a lane that has failed. */
            const vl is_active = residual > limit;
            if (step >= max_steps || !lanes_any(&is_active))
                break;
            vd smallest;
            fragment_factor(shape, lanes, lanes->r, block, &smallest);
            fragment_substitute(shape, lanes, block, &is_active);
            pivot = LANES_PICK(is_active, smallest, pivot);
            steps -= is_active;
        }
        fragment_report(lanes, block, &residual, &pivot, &steps);
    }
}

void VARIANT(fragment_velocities)(const struct sk_fragment_shape *shape, struct sk_fragment_lanes *lanes)
{
    const vl all = ~(vl){0}, steps = -all;
    for (int block = 0; block < FRAGMENT_BLOCKS; block++) {
        vd residual, pivot;
        fragment_residual(shape, lanes, block, false, &residual);
        fragment_factor(shape, lanes, lanes->s, block, &pivot);
        fragment_substitute(shape, lanes, block, &all);
        fragment_residual(shape, lanes, block, false, &residual);
        fragment_report(lanes, block, &residual, &pivot, &steps);
    }
}
