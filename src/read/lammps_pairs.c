/* LAMMPS data: Lennard-Jones coefficients of pairs of types. */
#include "read/lammps_internal.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "read/fail.h"
#include "read/number.h"
#include "read/words.h"

void sk_data_pairs_init(struct sk_data_pairs *pairs, int ntypes)
{
    size_t n = (size_t)ntypes * (size_t)ntypes;
    pairs->ntypes = ntypes;
    pairs->epsilon = sk_calloc(n, sizeof *pairs->epsilon);
    pairs->sigma = sk_calloc(n, sizeof *pairs->sigma);
    pairs->is_given = sk_calloc(n, sizeof *pairs->is_given);
}

void sk_data_pairs_clear(struct sk_data_pairs *pairs)
{
    sk_free(&pairs->epsilon);
    sk_free(&pairs->sigma);
    sk_free(&pairs->is_given);
}

/* epsilon sigma [cutoff]: an own cutoff for a pair is only accepted where it is the run's. A returned text is what is
 * wrong, NULL: nothing. */
static const char *pair_values(char **words, int n, const struct sk_parameters *parameters, double *epsilon,
                               double *sigma)
{
    double cutoff, run_cutoff = parameters->nonbonded.vdw_cutoff;
    if (n < 2 || !sk_parse_real(words[0], epsilon) || !sk_parse_real(words[1], sigma))
        return "expected epsilon and sigma";
    if (*epsilon < 0 || *sigma < 0)
        return "epsilon and sigma must not be negative";
    if (n > 3)
        return "too many words: expected epsilon, sigma and at most a cutoff";
    if (n < 3)
        return NULL;
    if (!sk_parse_real(words[2], &cutoff))
        return "the cutoff is not a number";
    cutoff /= sk_data_units_of(parameters).length;
    if (run_cutoff > 0 && fabs(cutoff - run_cutoff) > 1e-9 * run_cutoff)
        return "the cutoff of this pair is not the run's; cutoffs by pair are not supported";
    return NULL;
}

static void pairs_set(struct sk_data_pairs *pairs, int i, int j, double epsilon, double sigma)
{
    size_t place[2] = {(size_t)i * (size_t)pairs->ntypes + (size_t)j, (size_t)j * (size_t)pairs->ntypes + (size_t)i};
    for (int k = 0; k < 2; k++) {
        pairs->epsilon[place[k]] = epsilon;
        pairs->sigma[place[k]] = sigma;
        pairs->is_given[place[k]] = true;
    }
}

/* The hint of the section names the pair style. */
static enum sk_code pair_style(const struct sk_data_file *file, bool *is_charmm, struct sk_error *err)
{
    *is_charmm = strncmp(file->hint, "lj/charmm", 9) == 0;
    if (!file->hint[0] || *is_charmm || strncmp(file->hint, "lj/cut", 6) == 0)
        return SK_OK;
    return sk_lines_fail(file->lines, err, "pair style '%.60s' is not supported; only lj/cut and lj/charmm",
                         file->hint);
}

static enum sk_code pair_row(struct sk_data_file *file, const struct sk_parameters *parameters, bool is_ij,
                             bool is_charmm, char **words, int n, struct sk_data_pairs *pairs, struct sk_error *err)
{
    int64_t type[2];
    int first = is_ij ? 2 : 1;
    double epsilon, sigma;
    for (int k = 0; k < first; k++)
        if (k >= n || !sk_parse_integer(words[k], &type[k]) || type[k] < 1 || type[k] > pairs->ntypes)
            return sk_lines_fail(file->lines, err, "'%.40s' is not an atom type from 1 to %d", k < n ? words[k] : "",
                                 pairs->ntypes);
    if (!is_ij)
        type[1] = type[0];
    /* The last two of lj/charmm act between the ends of dihedrals, and data files with those are refused. */
    int take = is_charmm && n == first + 4 ? 2 : n - first;
    const char *wrong = pair_values(words + first, take, parameters, &epsilon, &sigma);
    if (wrong)
        return sk_lines_fail(file->lines, err, "pair coefficients: %s", wrong);
    int i = (int)type[0] - 1, j = (int)type[1] - 1;
    if (pairs->is_given[i * pairs->ntypes + j])
        return sk_lines_fail(file->lines, err, "pair coefficients of types %d and %d are given a second time", i + 1,
                             j + 1);
    pairs_set(pairs, i, j, epsilon, sigma);
    return SK_OK;
}

enum sk_code sk_data_pair_section(struct sk_data_file *file, const struct sk_parameters *parameters, bool is_ij,
                                  struct sk_data_pairs *pairs, struct sk_error *err)
{
    char *words[8];
    int nwords;
    bool is_charmm;
    int64_t n = pairs->ntypes;
    if (is_ij)
        n = n * (n + 1) / 2;
    if (pair_style(file, &is_charmm, err) != SK_OK)
        return err->code;
    for (int64_t i = 0; i < n; i++)
        if (sk_data_row(file, is_ij ? "PairIJ Coeffs" : "Pair Coeffs", i, n, words, 8, &nwords, err) != SK_OK ||
            pair_row(file, parameters, is_ij, is_charmm, words, nwords, pairs, err) != SK_OK)
            return err->code;
    return SK_OK;
}

/* ---- pair_coeff of the run file ---- */

/* N, *, N*, *N or N*M, as in LAMMPS. */
static bool pair_range(char *word, int ntypes, int range[2])
{
    int64_t low = 1, high = ntypes;
    char *star = strchr(word, '*');
    if (star)
        *star = '\0';
    if ((*word || !star) && !sk_parse_integer(word, &low))
        return false;
    if (!star)
        high = low;
    else if (star[1] && !sk_parse_integer(star + 1, &high))
        return false;
    if (low < 1 || high > ntypes || low > high)
        return false;
    range[0] = (int)low - 1;
    range[1] = (int)high - 1;
    return true;
}

static enum sk_code pair_entry(char *entry, const struct sk_parameters *parameters, struct sk_data_pairs *pairs,
                               struct sk_error *err)
{
    char copy[128], *words[8];
    int range[2][2];
    double epsilon, sigma;
    snprintf(copy, sizeof copy, "%.120s", entry);
    int n = sk_words_split(entry, words, 8);
    if (n == 0)
        return SK_OK;
    for (int k = 0; k < 2; k++)
        if (n < 2 || !pair_range(words[k], pairs->ntypes, range[k]))
            return sk_fail(err, SK_EINPUT, "pair_coeff '%s': expected I J EPSILON SIGMA with types from 1 to %d or *",
                           sk_words_trim(copy), pairs->ntypes);
    const char *wrong = pair_values(words + 2, n - 2 < 6 ? n - 2 : 6, parameters, &epsilon, &sigma);
    if (wrong)
        return sk_fail(err, SK_EINPUT, "pair_coeff '%s': %s", sk_words_trim(copy), wrong);
    for (int i = range[0][0]; i <= range[0][1]; i++)
        for (int j = range[1][0]; j <= range[1][1]; j++)
            pairs_set(pairs, i, j, epsilon, sigma);
    return SK_OK;
}

enum sk_code sk_data_pair_text(const char *text, const struct sk_parameters *parameters, struct sk_data_pairs *pairs,
                               struct sk_error *err)
{
    char copy[SK_TEXT_MAX];
    snprintf(copy, sizeof copy, "%s", text);
    for (char *entry = copy; entry;) {
        char *end = strchr(entry, ';');
        if (end)
            *end++ = '\0';
        if (pair_entry(entry, parameters, pairs, err) != SK_OK)
            return err->code;
        entry = end;
    }
    return SK_OK;
}

/* ---- mixing ---- */

static void pairs_mix(const struct sk_data_pairs *pairs, enum sk_mixing mixing, int i, int j, double *epsilon,
                      double *sigma)
{
    int n = pairs->ntypes;
    if (pairs->is_given[i * n + j]) {
        *epsilon = pairs->epsilon[i * n + j];
        *sigma = pairs->sigma[i * n + j];
        return;
    }
    double si = pairs->sigma[i * n + i], sj = pairs->sigma[j * n + j];
    *epsilon = sqrt(pairs->epsilon[i * n + i] * pairs->epsilon[j * n + j]);
    *sigma = mixing == SK_MIXING_GEOMETRIC ? sqrt(si * sj) : 0.5 * (si + sj);
}

enum sk_code sk_data_pairs_finish(const struct sk_data_pairs *pairs, const struct sk_parameters *parameters,
                                  const char *name, struct sk_forcefield *ff, struct sk_error *err)
{
    struct sk_data_units units = sk_data_units_of(parameters);
    sk_forcefield_resize(ff, pairs->ntypes);
    ff->units = parameters->units;
    for (int i = 0; i < pairs->ntypes; i++) {
        snprintf(ff->names[i], SK_NAME_MAX, "%d", i + 1);
        if (!pairs->is_given[i * pairs->ntypes + i])
            return sk_fail(err, SK_EINPUT,
                           "%.400s: no pair coefficients for atom type %d; add a section Pair Coeffs or set "
                           "nonbonded.pair_coeff",
                           name, i + 1);
    }
    for (int i = 0; i < pairs->ntypes; i++)
        for (int j = 0; j <= i; j++) {
            double epsilon, sigma;
            pairs_mix(pairs, parameters->nonbonded.mixing, i, j, &epsilon, &sigma);
            epsilon *= units.energy;
            sigma /= units.length;
            double s3 = sigma * sigma * sigma, s6 = s3 * s3;
            double c6 = 4.0 * epsilon * s6, c12 = 4.0 * epsilon * s6 * s6;
            if (!isfinite(c6) || !isfinite(c12))
                return sk_fail(err, SK_EINPUT, "%.400s: the pair coefficients of types %d and %d are too large", name,
                               j + 1, i + 1);
            sk_forcefield_set(ff, i, j, c6, c12);
        }
    return SK_OK;
}
