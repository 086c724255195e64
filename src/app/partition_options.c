#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/partition.h"
#include "base/memory.h"

static const char *const scheme_names[PARTITION_SCHEMES] = {"hilbert", "morton", "kd", "power", "auto"};

const char *partition_scheme_name(int scheme)
{
    return scheme_names[scheme];
}

static int refuse_with(const char *format, const char *first, const char *second)
{
    char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format, first, second);
#pragma GCC diagnostic pop
    return app_refuse("%s", text);
}

/* Reads a whole number from *text and moves on; false if there is none from 1 to `most`. */
static bool take_count(const char **text, long most, long *value)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *value = strtol(*text, &end, 10);
    *text = end;
    return !errno && *value >= 1 && *value <= most;
}

static int parse_grid(const char *text, int32_t n[3])
{
    const char *at = text;
    long value = 0;
    double cells = 1;
    for (int k = 0; k < 3; k++) {
        bool is_led = k == 0 || *at == 'x' || *at == 'X';
        at += k > 0 && is_led;
        if (!is_led || !take_count(&at, 1048576, &value) || (k == 2 && *at))
            return app_refuse("--grid wants three cell counts from 1 to 1048576 such as 32x32x32, not '%s'", text);
        n[k] = (int32_t)value;
        cells *= (double)value;
    }
    if (cells > INT32_MAX)
        return app_refuse("--grid %s has more than 2147483647 cells", text);
    return 0;
}

/* "16,32" and "2..8", mixed. */
static int parse_ranks(const char *text, struct partition_request *request)
{
    static const char form[] = "--ranks wants a list such as 16,32,64 or 2..8, of numbers from 1 to 65536, not '%s'";
    const char *at = text;
    long first, last;
    request->nranks = 0;
    for (;;) {
        if (!take_count(&at, PARTITION_RANKS, &first))
            return app_refuse(form, text);
        last = first;
        if (at[0] == '.' && at[1] == '.') {
            at += 2;
            if (!take_count(&at, PARTITION_RANKS, &last) || last < first)
                return app_refuse(form, text);
        }
        if (request->nranks + (last - first) >= PARTITION_LIST)
            return app_refuse("--ranks: '%s' has more than 4096 rank counts", text);
        for (long r = first; r <= last; r++)
            request->ranks[request->nranks++] = (int)r;
        if (!*at)
            return 0;
        if (*at++ != ',')
            return app_refuse(form, text);
    }
}

/* Letters inserted, deleted or replaced to get from a to b; b is one of our short names. */
static int edit_distance(const char *a, const char *b)
{
    int row[16], m = (int)strlen(b);
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0]++;
        for (int j = 1; j <= m; j++) {
            int best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (corner + 1 < best)
                best = corner + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

static int refuse_scheme(const char *word)
{
    int nearest = 0;
    for (int s = 1; s < PARTITION_SCHEMES; s++)
        if (edit_distance(word, scheme_names[s]) < edit_distance(word, scheme_names[nearest]))
            nearest = s;
    if (edit_distance(word, scheme_names[nearest]) <= 1 + (int)strlen(word) / 3)
        return refuse_with("--curve: there is no scheme '%s'; did you mean '%s'?", word, scheme_names[nearest]);
    return refuse_with("--curve: there is no scheme '%s'; the schemes are hilbert, morton, kd, power, auto%s", word,
                       "");
}

static int parse_schemes(const char *text, struct partition_request *request)
{
    request->nschemes = 0;
    request->has_schemes = true;
    for (const char *at = text;;) {
        char word[64];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), at);
        int scheme = 0;
        while (scheme < PARTITION_SCHEMES && strcmp(word, scheme_names[scheme]) != 0)
            scheme++;
        if (scheme == PARTITION_SCHEMES)
            return refuse_scheme(word);
        for (int s = 0; s < request->nschemes; s++)
            if (request->scheme[s] == scheme)
                return app_refuse("--curve names %s twice", word);
        request->scheme[request->nschemes++] = scheme;
        at += length;
        if (!*at++)
            return 0;
    }
}

static bool is_number(const char *text, char **end, double most, double *value)
{
    errno = 0;
    *value = strtod(text, end);
    return *end != text && !errno && *value >= 0 && *value <= most;
}

static int parse_cost(const char *text, struct sk_cost *sum)
{
    char *at = (char *)text;
    double cost[3];
    for (int k = 0; k < 3; k++)
        if (!is_number(at, &at, 1e6, &cost[k]) || *at++ != (k < 2 ? ',' : 0))
            return app_refuse("--cost wants three numbers from 0 to 1e6, for a pair, an atom and a cell, not '%s'",
                              text);
    if (cost[0] + cost[1] + cost[2] <= 0)
        return app_refuse("--cost %s: everything would be free", text);
    *sum = (struct sk_cost){cost[0], cost[1], cost[2]};
    return 0;
}

static int parse_cells(const char *text, int *reach)
{
    if (strcmp(text, "list-radius") != 0 && strcmp(text, "half") != 0)
        return app_refuse("--cells wants list-radius or half, not '%s'", text);
    *reach = strcmp(text, "half") == 0 ? 2 : 1;
    return 0;
}

static int parse_percent(const char *text, double *slack)
{
    char *end;
    if (!is_number(text, &end, 100, slack) || *end)
        return app_refuse("--slack wants percent of the mean load, 0 to 100, not '%s'", text);
    *slack /= 100;
    return 0;
}

static int parse_node(const char *text, int *ranks)
{
    const char *at = text;
    long value;
    if (!take_count(&at, PARTITION_RANKS, &value) || *at)
        return app_refuse("--ranks-per-node wants a whole number from 1 to 65536, not '%s'", text);
    *ranks = (int)value;
    return 0;
}

static int take_option(const char *name, const char *value, struct partition_request *request)
{
    if (strcmp(name, "--grid") == 0)
        return parse_grid(value, request->grid);
    if (strcmp(name, "--ranks") == 0)
        return parse_ranks(value, request);
    if (strcmp(name, "--curve") == 0)
        return parse_schemes(value, request);
    if (strcmp(name, "--ranks-per-node") == 0)
        return parse_node(value, &request->ranks_per_node);
    if (strcmp(name, "--slack") == 0)
        return parse_percent(value, &request->slack);
    if (strcmp(name, "--cost") == 0)
        return parse_cost(value, &request->cost);
    if (strcmp(name, "--cells") == 0)
        return parse_cells(value, &request->reach);
    if (strcmp(name, "--owners") == 0)
        request->owners = value;
    else if (strcmp(name, "--picture") == 0)
        request->picture = value;
    else if (strcmp(name, "--calibration") == 0)
        request->calibration = value;
    else if (strcmp(name, "--output") == 0)
        request->output = value;
    else if (request->noverrides == PARTITION_SETS)
        return app_refuse("more than 256 times %s", name);
    else
        request->overrides[request->noverrides++] = value;
    return 0;
}

static int check_calibration(const struct partition_request *request)
{
    if (request->grid[0] > 0)
        return app_refuse("--calibrate measures with a run file or without%s, not with --grid", "");
    if (request->nranks || request->owners || request->picture || request->calibration || request->is_json ||
        request->has_imports || request->reach != 1)
        return app_refuse("--calibrate takes a run file, --set and --output%s only", "");
    if (request->noverrides && !request->run_file)
        return app_refuse("--set %s belongs to a run file; --calibrate has none", request->overrides[0]);
    return 0;
}

static int check_request(const struct partition_request *request)
{
    bool has_grid = request->grid[0] > 0;
    if (request->is_calibration)
        return check_calibration(request);
    if (request->output)
        return app_refuse("--output %s belongs to --calibrate", request->output);
    if (has_grid == (request->run_file != NULL))
        return app_refuse(has_grid ? "partition takes a run file or --grid, not both%s"
                                   : "partition needs a run file or --grid XxYxZ%s",
                          "");
    if (has_grid && request->has_imports)
        return app_refuse("--imports needs a run file; a grid has no atoms%s", "");
    if (has_grid && request->noverrides)
        return app_refuse("--set %s belongs to a run file; --grid has none", request->overrides[0]);
    if (!request->nranks)
        return app_refuse("partition needs --ranks, such as --ranks 16,32,64 or 2..8%s", "");
    if (request->owners && (request->nranks != 1 || request->nschemes != 1))
        return app_refuse("--owners %s: one scheme and one rank count only, e.g. --curve hilbert --ranks 48",
                          request->owners);
    if (request->picture && request->nranks != 1)
        return app_refuse("--picture %s: one rank count only", request->picture);
    if (request->picture && !partition_picture_is_known(request->picture))
        return app_refuse("--picture writes SVG or HTML: '%s' should end in .svg or .html", request->picture);
    return 0;
}

/* Power diagrams take seconds and bring nothing on a bare grid: there they have to be asked for. */
static void take_all_schemes(struct partition_request *request)
{
    for (int s = 0; s < PARTITION_SCHEMES; s++)
        if (s != SK_SCHEME_POWER || request->run_file)
            request->scheme[request->nschemes++] = s;
}

int partition_parse(int argc, char **argv, struct partition_request *request)
{
    static const char *const known[] = {"--grid",  "--ranks", "--curve",       "--ranks-per-node",
                                        "--slack", "--cost",  "--owners",      "--picture",
                                        "--set",   "--cells", "--calibration", "--output"};
    memset(request, 0, sizeof *request);
    request->ranks = sk_alloc(PARTITION_LIST, sizeof *request->ranks);
    request->cost = sk_cost_default();
    request->reach = 1;
    for (int i = 0; i < argc; i++) {
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(argv[i], known[k]) != 0)
            k++;
        if (strcmp(argv[i], "--json") == 0)
            request->is_json = true;
        else if (strcmp(argv[i], "--imports") == 0)
            request->has_imports = true;
        else if (strcmp(argv[i], "--calibrate") == 0)
            request->is_calibration = true;
        else if (k < sizeof known / sizeof known[0]) {
            if (i + 1 >= argc)
                return app_refuse("option %s needs a value", argv[i]);
            if (take_option(argv[i], argv[i + 1], request))
                return SKEIN_INPUT;
            i++;
        } else if (argv[i][0] == '-')
            return app_refuse("partition has no option %s", argv[i]);
        else if (request->run_file)
            return app_refuse("one run file is enough; what is '%s'?", argv[i]);
        else
            request->run_file = argv[i];
    }
    if (!request->nschemes)
        take_all_schemes(request);
    return check_request(request);
}
