#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"

static const char usage[] =
    "usage: skein COMMAND ...\n"
    "  skein run FILE.ini [--set section.key=value]... [--steps N] [--resume] [--max-hours H]\n"
    "                     [--log-json PATH] [--quiet]\n"
    "  skein energy FILE.ini [--set section.key=value]... [--forces PATH] [--json] [--oracle]\n"
    "  skein check FILE.ini [--set section.key=value]... [--ranks N]\n"
    "  skein partition FILE.ini|--grid XxYxZ --ranks LIST [--curve LIST] [--json] [--owners PATH]\n"
    "                     [--picture FILE.svg] [--ranks-per-node N] [--slack PERCENT]\n"
    "                     [--cells list-radius|half] [--calibration FILE]\n"
    "  mpirun -n RANKS skein partition [FILE.ini] --calibrate [--output FILE]\n"
    "  skein help COMMAND | --help | --version\n"
    "Start it with mpirun -n RANKS to use several processes.\n";

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", app_run,
     "skein run FILE.ini: runs the simulation that the run file describes (docs/runfile.md).\n"
     "  --set section.key=value  overrides a key of the run file; may be repeated\n"
     "  --steps N                total number of steps to reach\n"
     "  --resume                 continue from the checkpoint if there is one\n"
     "  --max-hours H            after H hours write a checkpoint and leave with code 75\n"
     "  --log-json PATH          write events as JSON lines\n"
     "  --quiet                  print warnings and the state hash only\n"
     "SIGUSR1 and SIGTERM make it write a checkpoint and leave with code 75: run again with --resume.\n"},
    {"energy", app_energy,
     "skein energy FILE.ini: energies and forces of the starting structure.\n"
     "  --set section.key=value  overrides a key of the run file; may be repeated\n"
     "  --forces PATH            write 'id fx fy fz' for every atom, 15 digits\n"
     "  --json                   print JSON on standard output, everything else on standard error\n"
     "  --oracle                 brute force over all pairs in double precision (slow; for tests)\n"},
    {"check", app_check,
     "skein check FILE.ini: reads and validates the input and prints the complete run file; runs nothing.\n"
     "  --set section.key=value  overrides a key of the run file; may be repeated\n"
     "  --ranks N                count the constraints that N ranks would cut (else: the ranks that run)\n"},
    {"partition", app_partition,
     "skein partition FILE.ini | --grid XxYxZ: what partitions would cost, on any number of ranks; runs nothing\n"
     "(docs/partition.md).\n"
     "  --ranks LIST             rank counts up to 65536, such as 16,32,64 or 2..8\n"
     "  --curve LIST             of hilbert, morton, kd, power and auto, the best; default all (no power on a grid)\n"
     "  --slack PERCENT          how much heavier than the mean a rank may be where that saves ghosts; default 0\n"
     "  --ranks-per-node N       consecutive ranks share a node: prints the share of ghosts from other nodes\n"
     "  --json                   one JSON object per scheme and rank count on standard output\n"
     "  --owners PATH            write the rank of every cell, x fastest (one scheme, one rank count)\n"
     "  --picture FILE.svg|html  draw the first two schemes side by side (one rank count); html: all, in three "
     "dimensions\n"
     "  --imports                also what the engine's own cells and plan would import at the start of a run\n"
     "  --cells list-radius|half the edge of a cell: the list radius (default) or half of it\n"
     "  --cost PAIR,ATOM,CELL    what makes a cell of a run file heavy; default 1,50,0\n"
     "  --calibrate              measure this machine, and the work of a run file, and store what was found\n"
     "  --output FILE            where; default skein-calibration.json beside the run file or here\n"
     "  --calibration FILE       predict the time of a step from what was stored\n"
     "  --set section.key=value  overrides a key of the run file; may be repeated\n"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

int app_is_first_rank(void)
{
    const char *names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (int i = 0; i < 3; i++) {
        const char *rank = getenv(names[i]);
        if (rank)
            return strcmp(rank, "0") == 0;
    }
    return 1;
}

int app_refuse(const char *format, const char *what)
{
    if (!app_is_first_rank())
        return SKEIN_INPUT;
    fprintf(stderr, "skein: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\n%s", usage);
    return SKEIN_INPUT;
}

static int parse_number(const char *text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && !*end && !errno && *value >= 0 && *value < 9e18;
}

/* Takes the value of an option into *value. */
static int take_value(int argc, char **argv, int *i, const char **value)
{
    if (*i + 1 >= argc)
        return app_refuse("option %s needs a value", argv[*i]);
    *value = argv[++*i];
    return 0;
}

static int take_option(const char *command, int argc, char **argv, int *i, const char *allowed, struct app_arguments *a)
{
    static const struct {
        const char *name;
        char letter;
    } options[] = {{"--set", 's'},   {"--steps", 'n'},  {"--resume", 'r'}, {"--max-hours", 'h'}, {"--log-json", 'l'},
                   {"--quiet", 'q'}, {"--forces", 'f'}, {"--json", 'j'},   {"--oracle", 'o'},    {"--ranks", 'k'}};
    char letter = 0;
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++)
        if (strcmp(argv[*i], options[o].name) == 0 && strchr(allowed, options[o].letter))
            letter = options[o].letter;
    if (!letter) {
        char what[256];
        snprintf(what, sizeof what, "%s has no option %s", command, argv[*i]);
        return app_refuse("%s", what);
    }
    const char *value = NULL;
    double number = 0;
    if (strchr("snhlfk", letter) && take_value(argc, argv, i, &value))
        return SKEIN_INPUT;
    if ((letter == 'n' || letter == 'h') && !parse_number(value, &number))
        return app_refuse(
            letter == 'n' ? "--steps wants a whole number, not '%s'" : "--max-hours wants hours, not '%s'", value);
    if (letter == 'n' && (strspn(value, "0123456789") != strlen(value) || strlen(value) > 18))
        return app_refuse("--steps wants a whole number, not '%s'", value);
    if (letter == 'k' && (strspn(value, "0123456789") != strlen(value) || strlen(value) > 6 || atoi(value) < 1))
        return app_refuse("--ranks wants a whole number from 1 to 999999, not '%s'", value);
    if (letter == 's' && a->options.noverrides >= 256)
        return app_refuse("more than 256 times %s", "--set");
    switch (letter) {
    case 's': a->overrides[a->options.noverrides++] = value; break;
    case 'n': a->options.steps = atoll(value); break;
    case 'h': a->options.max_hours = number; break;
    case 'l': a->options.log_json = value; break;
    case 'k': a->options.check_ranks = atoi(value); break;
    case 'f': a->forces = value; break;
    case 'r': a->options.resume = 1; break;
    case 'q': a->options.quiet = 1; break;
    case 'j': a->is_json = 1; break;
    default: a->is_oracle = 1;
    }
    return 0;
}

int app_parse(const char *command, int argc, char **argv, const char *allowed, struct app_arguments *a)
{
    memset(a, 0, sizeof *a);
    skein_options_init(&a->options);
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (a->run_file)
                return app_refuse("one run file is enough; what is '%s'?", argv[i]);
            a->run_file = argv[i];
        } else if (take_option(command, argc, argv, &i, allowed, a))
            return SKEIN_INPUT;
    }
    if (!a->run_file)
        return app_refuse("%s needs a run file", command);
    a->options.overrides = a->overrides;
    return 0;
}

int app_fail(const struct skein *simulation, int code)
{
    if (skein_rank(simulation) == 0)
        fprintf(stderr, "skein: %s\n", skein_message(simulation));
    return code;
}

static int help(const char *topic)
{
    if (!app_is_first_rank())
        return 0;
    for (int c = 0; topic && c < COMMANDS; c++)
        if (strcmp(commands[c].name, topic) == 0) {
            fputs(commands[c].help, stdout);
            return 0;
        }
    if (topic)
        return app_refuse("there is no command '%s'", topic);
    fputs(usage, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    for (int c = 0; name && c < COMMANDS; c++)
        if (strcmp(commands[c].name, name) == 0) {
            if (argc > 2 && strcmp(argv[2], "--help") == 0)
                return help(name);
            return commands[c].main(argc - 2, argv + 2);
        }
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0))
        return help(argc > 2 ? argv[2] : NULL);
    if (name && strcmp(name, "--version") == 0) {
        if (app_is_first_rank())
            printf("skein %s\n", skein_version());
        return 0;
    }
    return app_refuse(name ? "there is no command '%s'" : "a command is missing%s", name ? name : "");
}
