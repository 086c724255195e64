/* Calibrates the core clock: a chain of dependent additions takes one cycle each. Prints GHz, the best of some tries. */
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void)
{
    double best = 0;
    for (int try = 0; try < 20; try++) {
        unsigned long x = 1;
        double start = now();
        for (long i = 0; i < 5000000; i++)
            __asm__ volatile("add %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\t"
                             "add %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0\n\tadd %0, %0"
                             : "+r"(x));
        double clock = 5e7 / (now() - start) * 1e-9;
        best = clock > best ? clock : best;
    }
    printf("%.3f\n", best);
    return 0;
}
