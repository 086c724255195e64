#include "kernel/ewald_series.h"

#include <math.h>

#include "base/math.h"

#define TWO_OVER_SQRT_PI 1.12837916709551257390

/* With c the middle of the range of x, h(c + c s) = 2/sqrt(pi) sum of I_k (-s)^k, where I_k is the integral of
 * exp(-c t^2) (c t^2)^k / k!. By parts (2 k + 1) I_k = 2 (k + 1) I_(k+1) + exp(-c) c^k / k!: downward all terms are
 * positive, and what is left out at the top is divided away. */
void sk_ewald_series_init(struct sk_ewald_series *series, double beta, double cutoff2)
{
    enum { TOP = 2 * SK_EWALD_SERIES };
    const double c = 0.5 * beta * beta * cutoff2, energy_scale = beta * TWO_OVER_SQRT_PI;
    double term[TOP], integral[TOP + 1];
    term[0] = sk_exp(-c);
    for (int k = 1; k < TOP; k++)
        term[k] = term[k - 1] * (c / k);
    integral[TOP] = 0.0;
    for (int k = TOP - 1; k >= 0; k--)
        integral[k] = (2.0 * (k + 1) * integral[k + 1] + term[k]) / (2 * k + 1);
    series->beta = beta;
    series->scale = 2.0 / cutoff2;
    series->terms = SK_EWALD_SERIES;
    /* The force's last term has k + 1 times the energy's. */
    while (series->terms > 2 && series->terms * integral[series->terms] < 0x1p-60 * c)
        series->terms--;
    for (int k = 0; k < SK_EWALD_SERIES; k++) {
        const double sign = k % 2 ? -1.0 : 1.0;
        series->energy[k] = k < series->terms ? sign * energy_scale * integral[k] : 0.0;
        series->force[k] = k < series->terms ? sign * energy_scale * 2.0 * series->scale * (k + 1) * integral[k + 1]
                                             : 0.0;
    }
}
