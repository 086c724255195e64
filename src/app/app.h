/* App: the command line. Uses the library's public header, base/json for what machines read, and curve for partitions
 * that no simulation runs; owns nothing; the one place that prints errors. */
#ifndef SK_APP_APP_H
#define SK_APP_APP_H

#include "skein/skein.h"

/* One subcommand: its arguments after the name; returns the exit code. */
int app_run(int argc, char **argv);
int app_energy(int argc, char **argv);
int app_check(int argc, char **argv);
int app_partition(int argc, char **argv);

/* A command's options, parsed from argv into `options` and what only some commands have. */
struct app_arguments {
    const char *run_file;
    const char *overrides[256];
    struct skein_options options;
    const char *forces;
    int is_json, is_oracle;
};
/* Parses the options that `allowed` names (one letter each: s set, n steps, r resume, h max-hours, l log-json, q quiet,
 * f forces, j json, o oracle, k ranks). Returns 0, or prints what is wrong and returns 1. */
int app_parse(const char *command, int argc, char **argv, const char *allowed, struct app_arguments *arguments);
/* Every rank parses the same command line, but only one may speak about it. */
int app_is_first_rank(void);
/* Prints the message (once) with the usage; returns SKEIN_INPUT. */
int app_refuse(const char *format, const char *what);
/* Prints the simulation's message once (rank 0) and returns the code. */
int app_fail(const struct skein *simulation, int code);

#endif
