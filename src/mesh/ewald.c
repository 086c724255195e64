#include "mesh/ewald.h"

#include <math.h>

#include "base/math.h"
#include "base/status.h"

#define PI               3.14159265358979323846
#define TWO_OVER_SQRT_PI 1.12837916709551257390

double sk_ewald_beta(double cutoff, double rtol)
{
    SK_REQUIRE(cutoff > 0.0 && rtol > 0.0 && rtol < 1.0);
    double low = 0.0, high = 1.0 / cutoff;
    while (sk_erfc(high * cutoff) > rtol)
        high *= 2.0;
    for (;;) { /* to neighbouring doubles */
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high)
            return high;
        if (sk_erfc(middle * cutoff) > rtol)
            low = middle;
        else
            high = middle;
    }
}

struct sk_ewald_pair sk_ewald_real(double beta, double r2)
{
    const double r = sqrt(r2), z = beta * r, energy = sk_erfc(z) / r;
    return (struct sk_ewald_pair){energy, (energy + TWO_OVER_SQRT_PI * beta * sk_exp(-z * z)) / r2};
}

/* erf(z) / z = 2 / sqrt(pi) sum of (-z^2)^k / (k! (2 k + 1)); the force cancels at small z, so it has its own series.
 */
struct sk_ewald_pair sk_ewald_excluded(double beta, double r2)
{
    const double z2 = beta * beta * r2;
    if (z2 < 0.25) {
        double term = 1.0, energy = 0.0, force = 0.0; /* term: (-z^2)^k / k! */
        for (int k = 0; k < 16; k++) {
            energy += term / (2 * k + 1);
            const double next = -term / (k + 1); /* times z^2: the next term */
            force += 2.0 * (k + 1) * next / (2 * k + 3);
            term = next * z2;
        }
        const double scale = TWO_OVER_SQRT_PI * beta;
        return (struct sk_ewald_pair){-scale * energy, scale * beta * beta * force};
    }
    const double r = sqrt(r2), z = beta * r, energy = -sk_erf(z) / r;
    return (struct sk_ewald_pair){energy, (energy + TWO_OVER_SQRT_PI * beta * sk_exp(-z * z)) / r2};
}

double sk_ewald_real_force(double r2, const void *beta)
{
    return sk_ewald_real(*(const double *)beta, r2).force;
}

double sk_ewald_self(double beta, double coulomb, double sum_q2)
{
    return -coulomb * beta * (0.5 * TWO_OVER_SQRT_PI) * sum_q2;
}

double sk_ewald_background(double beta, double coulomb, double net_charge, double volume)
{
    return -coulomb * PI * net_charge * net_charge / (2.0 * volume * beta * beta);
}
