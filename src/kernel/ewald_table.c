#include "kernel/ewald_table.h"

#include <math.h>
#include <string.h>

enum { TERMS = SK_EWALD_TERMS, POINTS = TERMS + 1, SAMPLES = 257, ROUNDS = 8 };

static int32_t piece_of(float r2)
{
    int32_t bits;
    memcpy(&bits, &r2, sizeof bits);
    return bits >> 21;
}

static float piece_start(int32_t piece)
{
    const int32_t bits = piece << 21;
    float r2;
    memcpy(&r2, &bits, sizeof r2);
    return r2;
}

/* One piece as samples at s in [-1, 1]. */
struct samples {
    double s[SAMPLES], f[SAMPLES], size[SAMPLES]; /* size: 1/r^3, of which the error is a fraction */
};

static void samples_init(struct samples *v, int32_t piece, sk_ewald_function *function, const void *context)
{
    const double start = piece_start(piece), end = piece_start(piece + 1);
    for (int i = 0; i < SAMPLES; i++) {
        const double s = 2.0 * i / (SAMPLES - 1) - 1.0, r2 = 0.5 * (start + end) + 0.5 * s * (end - start);
        v->s[i] = s;
        v->f[i] = function(r2, context);
        v->size[i] = 1.0 / (r2 * sqrt(r2));
    }
}

static double polynomial(const double c[TERMS], double s)
{
    double sum = c[TERMS - 1];
    for (int k = TERMS - 2; k >= 0; k--)
        sum = sum * s + c[k];
    return sum;
}

/* Gauss with pivots on the rows [POINTS][POINTS + 1]; the solution is left in the last column. */
static void solve(double a[POINTS][POINTS + 1])
{
    for (int c = 0; c < POINTS; c++) {
        int best = c;
        for (int r = c + 1; r < POINTS; r++)
            if (fabs(a[r][c]) > fabs(a[best][c]))
                best = r;
        for (int k = 0; k <= POINTS; k++) {
            const double swap = a[c][k];
            a[c][k] = a[best][k];
            a[best][k] = swap;
        }
        for (int r = 0; r < POINTS; r++) {
            const double factor = r == c ? 0.0 : a[r][c] / a[c][c];
            for (int k = c; k <= POINTS; k++)
                a[r][k] -= factor * a[c][k];
        }
    }
    for (int c = 0; c < POINTS; c++)
        a[c][POINTS] /= a[c][c];
}

/* The polynomial whose relative errors at the six points are equal and alternate. */
static void level(const struct samples *v, const int at[POINTS], double c[TERMS])
{
    double a[POINTS][POINTS + 1];
    for (int i = 0; i < POINTS; i++) {
        double power = 1.0;
        for (int k = 0; k < TERMS; k++, power *= v->s[at[i]])
            a[i][k] = power;
        a[i][TERMS] = i % 2 ? -v->size[at[i]] : v->size[at[i]];
        a[i][POINTS] = v->f[at[i]];
    }
    solve(a);
    for (int k = 0; k < TERMS; k++)
        c[k] = a[k][POINTS];
}

/* Where the error is largest between its changes of sign. Returns whether there were enough of them. */
static int exchange(const struct samples *v, const double c[TERMS], int at[POINTS])
{
    int next[POINTS] = {0}, n = 0;
    double worst = 0.0;
    for (int i = 0; i < SAMPLES; i++) {
        const double error = (polynomial(c, v->s[i]) - v->f[i]) / v->size[i];
        if (n == 0 || error * worst < 0.0) {
            if (n == POINTS)
                return 0;
            next[n++] = i;
            worst = error;
        } else if (fabs(error) > fabs(worst)) {
            next[n - 1] = i;
            worst = error;
        }
    }
    if (n == POINTS)
        memcpy(at, next, sizeof next);
    return n == POINTS;
}

void sk_ewald_table_init(struct sk_ewald_table *table, double cutoff2, sk_ewald_function *function, const void *context)
{
    float end = (float)cutoff2;
    table->first = piece_of(end) - SK_EWALD_PIECES + 1;
    table->least2 = piece_start(table->first + 1);
    for (int k = 0; k < TERMS; k++)
        table->coefficient[k][0] = k == 0 ? SK_EWALD_TOO_CLOSE : 0.0f;
    for (int p = 1; p < SK_EWALD_PIECES; p++) {
        struct samples v;
        double c[TERMS], scale = 1.0;
        /* extrema of the Chebyshev polynomial T_5: -cos(k pi / 5) as samples */
        int at[POINTS] = {0, 24, 88, 168, 232, 256};
        samples_init(&v, table->first + p, function, context);
        level(&v, at, c);
        for (int round = 0; round < ROUNDS && exchange(&v, c, at); round++)
            level(&v, at, c);
        for (int k = 0; k < TERMS; k++, scale *= 8.0) /* s = 8 t */
            table->coefficient[k][p] = (float)(c[k] * scale);
    }
}
