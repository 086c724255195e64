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
    pairs->style = NULL;
    pairs->lj = sk_calloc(n, sizeof *pairs->lj);
    pairs->lj14 = sk_calloc(n, sizeof *pairs->lj14);
    pairs->is_given = sk_calloc(n, sizeof *pairs->is_given);
}

void sk_data_pairs_clear(struct sk_data_pairs *pairs)
{
    sk_free(&pairs->lj);
    sk_free(&pairs->lj14);
    sk_free(&pairs->is_given);
}

/* What the numbers of a line are: lj[0] acts between atoms, lj[1] between the ends of dihedrals. An own cutoff for a
 * pair is only accepted where it is the run's. A returned text is what is wrong, NULL: nothing. */
static const char *pair_values(const struct sk_pair_style *style, char **words, int n,
                               const struct sk_parameters *parameters, struct sk_data_lj lj[2])
{
    double v[4], length = sk_data_units_of(parameters).length;
    const double run[2] = {parameters->nonbonded.vdw_cutoff, parameters->nonbonded.coulomb_cutoff};
    bool is_charmm = style && style->is_charmm, has_two_cutoffs = style && strcmp(style->name, "lj/cut/coul/cut") == 0;
    if (n < 2 || !sk_parse_real(words[0], &v[0]) || !sk_parse_real(words[1], &v[1]))
        return "expected epsilon and sigma";
    if (n == 4 && !style)
        return "four numbers mean different things in different styles; name it behind the section (Pair Coeffs # "
               "STYLE) or set nonbonded.pair_style";
    if (n > (is_charmm || has_two_cutoffs ? 4 : 3) || (is_charmm && n == 3))
        return is_charmm ? "expected epsilon and sigma, and either both again for 1-4 pairs or nothing"
                         : "too many words: expected epsilon, sigma and at most a cutoff";
    for (int k = 2; k < n; k++)
        if (!sk_parse_real(words[k], &v[k]))
            return is_charmm ? "epsilon and sigma of 1-4 pairs are not numbers" : "the cutoff is not a number";
    lj[0] = lj[1] = (struct sk_data_lj){v[0], v[1]};
    if (is_charmm && n == 4)
        lj[1] = (struct sk_data_lj){v[2], v[3]};
    if (lj[0].epsilon < 0 || lj[0].sigma < 0 || lj[1].epsilon < 0 || lj[1].sigma < 0)
        return "epsilon and sigma must not be negative";
    for (int k = 2; k < n && !is_charmm; k++)
        if (run[k - 2] > 0 && fabs(v[k] / length - run[k - 2]) > 1e-9 * run[k - 2])
            return "the cutoff of this pair is not the run's; cutoffs by pair are not supported";
    return NULL;
}

static void pairs_set(struct sk_data_pairs *pairs, int i, int j, const struct sk_data_lj lj[2])
{
    size_t place[2] = {(size_t)i * (size_t)pairs->ntypes + (size_t)j, (size_t)j * (size_t)pairs->ntypes + (size_t)i};
    for (int k = 0; k < 2; k++) {
        pairs->lj[place[k]] = lj[0];
        pairs->lj14[place[k]] = lj[1];
        pairs->is_given[place[k]] = true;
    }
}

/* The style of a section: the run file's, else that of the section's comment. Its name may differ between the two as
 * long as coefficients mean the same. */
static enum sk_code pair_style(const struct sk_data_file *file, struct sk_data_pairs *pairs, struct sk_error *err)
{
    const struct sk_pair_style *hint = sk_pair_style_find(file->hint);
    char names[256];
    sk_pair_style_names(names, sizeof names);
    if (file->hint[0] && !hint)
        return sk_lines_fail(file->lines, err, "pair style '%.60s' is not supported; there are %s", file->hint, names);
    if (hint && pairs->style && hint->is_charmm != pairs->style->is_charmm)
        return sk_lines_fail(file->lines, err, "pair style '%.60s', but nonbonded.pair_style = %s", file->hint,
                             pairs->style->name);
    if (!pairs->style)
        pairs->style = hint;
    return SK_OK;
}

static enum sk_code pair_row(struct sk_data_file *file, const struct sk_parameters *parameters, bool is_ij,
                             char **words, int n, struct sk_data_pairs *pairs, struct sk_error *err)
{
    int64_t type[2];
    int first = is_ij ? 2 : 1;
    struct sk_data_lj lj[2];
    for (int k = 0; k < first; k++)
        if (k >= n || !sk_parse_integer(words[k], &type[k]) || type[k] < 1 || type[k] > pairs->ntypes)
            return sk_lines_fail(file->lines, err, "'%.40s' is not an atom type from 1 to %d", k < n ? words[k] : "",
                                 pairs->ntypes);
    if (!is_ij)
        type[1] = type[0];
    const char *wrong = pair_values(pairs->style, words + first, n - first, parameters, lj);
    if (wrong)
        return sk_lines_fail(file->lines, err, "pair coefficients: %s", wrong);
    int i = (int)type[0] - 1, j = (int)type[1] - 1;
    if (pairs->is_given[i * pairs->ntypes + j])
        return sk_lines_fail(file->lines, err, "pair coefficients of types %d and %d are given a second time", i + 1,
                             j + 1);
    pairs_set(pairs, i, j, lj);
    return SK_OK;
}

enum sk_code sk_data_pair_section(struct sk_data_file *file, const struct sk_parameters *parameters, bool is_ij,
                                  struct sk_data_pairs *pairs, struct sk_error *err)
{
    char *words[8];
    int nwords;
    int64_t n = sk_data_rows(&file->header, is_ij ? SK_DATA_PAIR_IJ : SK_DATA_PAIR);
    if (pair_style(file, pairs, err) != SK_OK)
        return err->code;
    for (int64_t i = 0; i < n; i++)
        if (sk_data_row(file, is_ij ? "PairIJ Coeffs" : "Pair Coeffs", i, n, words, 8, &nwords, err) != SK_OK ||
            pair_row(file, parameters, is_ij, words, nwords, pairs, err) != SK_OK)
            return err->code;
    return SK_OK;
}

/* ---- pair_coeff of the run file ---- */

bool sk_data_type_range(char *word, int ntypes, int range[2])
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
    struct sk_data_lj lj[2];
    snprintf(copy, sizeof copy, "%.120s", entry);
    int n = sk_words_split(entry, words, 8);
    if (n == 0)
        return SK_OK;
    for (int k = 0; k < 2; k++)
        if (n < 2 || !sk_data_type_range(words[k], pairs->ntypes, range[k]))
            return sk_fail(err, SK_EINPUT, "pair_coeff '%s': expected I J EPSILON SIGMA with types from 1 to %d or *",
                           sk_words_trim(copy), pairs->ntypes);
    const char *wrong = pair_values(pairs->style, words + 2, n - 2 < 6 ? n - 2 : 6, parameters, lj);
    if (wrong)
        return sk_fail(err, SK_EINPUT, "pair_coeff '%s': %s", sk_words_trim(copy), wrong);
    /* As in LAMMPS: a '*' stands for pairs I <= J alone. */
    bool is_one = !strchr(copy, '*'), is_set = false;
    for (int i = range[0][0]; i <= range[0][1]; i++)
        for (int j = is_one || range[1][0] > i ? range[1][0] : i; j <= range[1][1]; j++) {
            pairs_set(pairs, i, j, lj);
            is_set = true;
        }
    return is_set ? SK_OK
                  : sk_fail(err, SK_EINPUT, "pair_coeff '%s': no pair, for '*' stands for types I <= J",
                            sk_words_trim(copy));
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

static struct sk_data_lj mix(struct sk_data_lj a, struct sk_data_lj b, bool is_geometric)
{
    double sigma = is_geometric ? sqrt(a.sigma * b.sigma) : 0.5 * (a.sigma + b.sigma);
    return (struct sk_data_lj){sqrt(a.epsilon * b.epsilon), sigma};
}

void sk_data_c6_c12(struct sk_data_lj lj, const struct sk_parameters *parameters, double *c6, double *c12)
{
    struct sk_data_units units = sk_data_units_of(parameters);
    double epsilon = lj.epsilon * units.energy, sigma = lj.sigma / units.length;
    double s3 = sigma * sigma * sigma, s6 = s3 * s3;
    *c6 = 4.0 * epsilon * s6;
    *c12 = 4.0 * epsilon * s6 * s6;
}

static void mix_all(struct sk_data_pairs *pairs, enum sk_mixing mixing)
{
    int n = pairs->ntypes;
    bool is_charmm = pairs->style && pairs->style->is_charmm;
    bool is_geometric = mixing == SK_MIXING_AUTO ? !is_charmm : mixing == SK_MIXING_GEOMETRIC;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (!pairs->is_given[i * n + j]) {
                pairs->lj[i * n + j] = mix(pairs->lj[i * n + i], pairs->lj[j * n + j], is_geometric);
                pairs->lj14[i * n + j] = mix(pairs->lj14[i * n + i], pairs->lj14[j * n + j], is_geometric);
            }
}

enum sk_code sk_data_pairs_finish(struct sk_data_pairs *pairs, const struct sk_parameters *parameters, const char *name,
                                  struct sk_forcefield *ff, struct sk_error *err)
{
    int n = pairs->ntypes;
    sk_forcefield_resize(ff, n);
    ff->units = parameters->units;
    for (int i = 0; i < n; i++) {
        snprintf(ff->names[i], SK_NAME_MAX, "%d", i + 1);
        if (!pairs->is_given[i * n + i])
            return sk_fail(err, SK_EINPUT,
                           "%.400s: no pair coefficients for atom type %d; add a section Pair Coeffs or set "
                           "nonbonded.pair_coeff",
                           name, i + 1);
    }
    mix_all(pairs, parameters->nonbonded.mixing);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double c6, c12, c6_14, c12_14;
            sk_data_c6_c12(pairs->lj[i * n + j], parameters, &c6, &c12);
            sk_data_c6_c12(pairs->lj14[i * n + j], parameters, &c6_14, &c12_14);
            if (!isfinite(c6) || !isfinite(c12) || !isfinite(c6_14) || !isfinite(c12_14))
                return sk_fail(err, SK_EINPUT, "%.400s: the pair coefficients of types %d and %d are too large", name,
                               j + 1, i + 1);
            sk_forcefield_set(ff, i, j, c6, c12);
        }
    return SK_OK;
}
